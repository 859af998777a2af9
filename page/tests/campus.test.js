// A campus of 42 buildings and 371 rooms: the first room is near the top, buildings are chosen by name, one list spans the campus, and
// nothing is redrawn that has not changed. Each test uses a phone's window, and the page's time is fixed.

import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {assertAccessible, DESKTOP, eventually, freeRooms, headline, instant, launch, largeCampus, open, PHONE, screenshot, Server} from './support.js';

let server, browser, day;
before(async () => {
  const file = join(tmpdir(), `emptyclassroom-large-${process.pid}.toml`);
  writeFileSync(file, largeCampus());
  [server, browser] = await Promise.all([Server.start({CAMPUS_FILE: file}), launch()]);
  day = await server.weekday();
  // A sweep publishes its first results before it is complete.
  await eventually(async () => (await server.json('/api/health')).status, 'ok');
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** @type {(t: any, query?: string, options?: import('./support.js').Options & {time?: string}) => Promise<import('./support.js').Page>} */
const visit = (t, query = '', {time = '10:20', ...options} = {}) =>
  open(t, browser, `${server.url}/app${query}`, {now: instant(day, time), viewport: PHONE, ...options});

const buildings = page => page.locator('#rooms > .building h2').allInnerTexts();
const done = page => page.locator('#picker-done');

test('the first room starts in the top 60 % of a phone screen, and the page is shorter than seven screens', async t => {
  for (const viewport of [PHONE, {width: 375, height: 667}]) {
    const page = await visit(t, '', {viewport});
    await headline(page, /rooms free now$/);
    const {y, height} = await page.locator('.room').first().boundingBox();
    assert.ok(y + height <= 0.6 * viewport.height + height && y <= 0.6 * viewport.height, `it starts at ${y} px of ${viewport.height}`);
    const screens = await page.evaluate(() => document.documentElement.scrollHeight) / viewport.height;
    assert.ok(screens < 7, `${screens} screens`);
  }
});

test('buildings with no free rooms are collapsed, and show when the next room becomes free', async t => {
  const page = await visit(t);
  await headline(page, /rooms free now$/);
  const folded = page.locator('.folded > summary');
  const count = Number((await folded.innerText()).match(/^(\d+) buildings with no free rooms$/)[1]);
  assert.equal((await buildings(page)).length, 42 - count);
  assert.equal(await page.locator('.folded h2').first().isVisible(), false);
  await folded.click();
  await eventually(async () => (await page.locator('.folded .hours').allInnerTexts()).some(text => /next (in|at) /.test(text)), true);
});

test('buildings are found by name or code, and the chosen ones are remembered on the device', async t => {
  const page = await visit(t);
  await headline(page, /rooms free now$/);
  await page.locator('#choose').click();
  await page.getByLabel('Search buildings').fill('chemistry an');
  await eventually(() => page.locator('#picker-list label').count(), 1);
  await page.getByRole('checkbox', {name: /Chemistry/}).check();
  await page.getByLabel('Search buildings').fill('b7');
  await page.getByRole('checkbox', {name: /^B7\b/}).check();
  await eventually(() => done(page).innerText(), /^(Show \d+ rooms?|Done)$/);
  await screenshot(page, 'picker-phone');
  await assertAccessible(page, 'picker');
  await done(page).click();
  await eventually(() => page.locator('#choose').innerText(), '2 buildings');
  assert.deepEqual(new URL(page.url()).searchParams.get('building').split(',').length, 2);
  await page.getByLabel('For at least').selectOption('60');
  await page.goto(`${server.url}/app`);
  await eventually(() => page.locator('#choose').innerText(), '2 buildings');
  assert.equal(await page.getByLabel('For at least').inputValue(), '60');
  await page.locator('#choose').click();
  await page.getByRole('button', {name: 'All buildings'}).last().click();
  await page.getByLabel('Search buildings').fill('nowhere');
  await eventually(() => page.locator('#picker-none').innerText(), 'No building matches “nowhere”.');
  await page.keyboard.press('Escape');
  await eventually(() => page.locator('#choose').innerText(), 'All buildings');
});

test('the picker focuses its search field with a mouse, and itself on a touch screen', async t => {
  for (const [hasTouch, expected] of /** @type {const} */ ([[false, 'picker-q'], [true, 'picker']])) {
    const page = await visit(t, '', {hasTouch, isMobile: hasTouch});
    await headline(page, /rooms free now$/);
    await page.locator('#choose').click();
    assert.equal(await page.evaluate(() => document.activeElement.id), expected);
  }
});

test('the URL contains the remembered choices, so the back button returns to them', async t => {
  const page = await visit(t, '?building=B3');
  await eventually(() => page.locator('#choose').innerText(), 'B3');
  await page.getByLabel('For at least').selectOption('60');
  await page.goto(`${server.url}/app`);
  await headline(page, /free now$/);
  assert.equal(new URL(page.url()).search, '?min_minutes=60', 'a building in a link is not remembered');
  await page.locator('.room .name').first().click();
  await headline(page, /^B\d+ \d+$/);
  await page.goBack();
  await headline(page, /free now$/);
  assert.equal(await page.getByLabel('For at least').inputValue(), '60');
});

test('remembered buildings that no longer exist can be cleared, and invalid remembered choices are ignored', async t => {
  const remember = text => page => page.addInitScript(text => { localStorage.setItem('emptyclassroom:/', text); }, text);
  const page = await visit(t, '', {prepare: remember('{"buildings":["GONE"],"sort":"name","min":30}')});
  await eventually(() => page.locator('.empty p').innerText(), 'Building not found: GONE.');
  await page.locator('.empty').getByRole('button', {name: 'All buildings'}).click();
  await headline(page, /rooms free now$/);
  for (const broken of ['{"sort":"constructor"}', '{"buildings":7}', 'null', '{', '{"min":-1}']) {
    const page = await visit(t, '', {prepare: remember(broken)});
    await headline(page, /rooms free now$/);
  }
  await headline(await visit(t, '?sort=constructor'), /rooms free now$/);
});

test('the choices in a link override the remembered ones', async t => {
  const page = await visit(t, '?building=B3&min_minutes=60');
  await eventually(() => page.locator('#choose').innerText(), 'B3');
  await page.getByLabel('Sort by').selectOption('duration');
  await page.goto(`${server.url}/app?building=B4`);
  await eventually(() => page.locator('#choose').innerText(), 'B4');
  assert.deepEqual([await page.getByLabel('For at least').inputValue(), await page.getByLabel('Sort by').inputValue()], ['30', 'name']);
});

test('"Longest first" is one list across the campus, sorted by length', async t => {
  const page = await visit(t, '?sort=duration');
  await headline(page, /rooms free now$/);
  assert.equal(await page.locator('#rooms .building').count(), 1);
  const {buildings} = await server.json(`/api/open-classrooms?date=${day}&at=10:20&min_minutes=30&sort=duration`);
  const minutes = Object.values(buildings).flatMap(({classrooms}) => classrooms.map(({free_minutes}) => free_minutes)).sort((a, b) => b - a);
  const names = await freeRooms(page);
  assert.equal(names.length, minutes.length);
  const lengths = (await page.locator('ul.free .answer span').allTextContents()).map(text => {
    const [, hours = 0, rest = 0] = text.replaceAll('\u00a0', ' ').match(/^(?:(\d+) h)? ?(?:(\d+) min)?/);
    return Number(hours) * 60 + Number(rest);
  });
  assert.deepEqual(lengths, minutes);
});

test('"Soonest first" lists free rooms, then rooms that become free, each with the time or the wait', async t => {
  const page = await visit(t, '?sort=soonest&building=B1');
  await headline(page, /free now$/);
  const answers = (await page.locator('ul.free .answer b').allTextContents()).map(text => text.replaceAll('\u00a0', ' '));
  const firstTaken = answers.findIndex(text => !text.startsWith('Free until'));
  assert.ok(firstTaken >= 0 && answers.slice(firstTaken).every(text => /^Free (in|at) /.test(text)), answers.join(', '));
  const waits = answers.slice(firstTaken).flatMap(text => text.match(/^Free in (\d+) min$/)?.[1] ?? []).map(Number);
  assert.deepEqual(waits, waits.toSorted((a, b) => a - b));
});

test('"Nearest first" asks for the position only on tap, sends it nowhere, and sorts by walking time', async t => {
  const asked = [];
  const page = await visit(t, '', {permissions: ['geolocation'], geolocation: {latitude: 38.54, longitude: -121.75},
    prepare: page => { page.on('request', request => asked.push(request.url() + (request.postData() ?? ''))); }});
  await headline(page, /rooms free now$/);
  await page.getByLabel('Sort by').selectOption('nearest');
  await eventually(async () => /^[^·]+ · \d+.min walk · /.test(await page.locator('.facts').first().textContent()), true);
  const walks = (await page.locator('ul.free .facts').allTextContents()).map(text => Number(text.match(/(\d+).min walk/)[1]));
  assert.deepEqual(walks, walks.toSorted((a, b) => a - b));
  assert.ok(asked.every(url => !/38\.5|121\.7|lat|lon/.test(url)), asked.join(' '));
  await page.reload();
  await headline(page, /rooms free now$/);
  assert.equal(await page.getByLabel('Sort by').inputValue(), 'name', 'the position is only asked for on tap');
});

test('without a position the page shows a message and keeps its order', async t => {
  const page = await visit(t);
  await headline(page, /rooms free now$/);
  await page.getByLabel('Sort by').selectOption('nearest');
  await eventually(() => page.locator('#refresh-state').innerText(), 'Couldn’t get your location, so rooms can’t be sorted by distance.');
  assert.equal(await page.getByLabel('Sort by').inputValue(), 'name');
});

test('typing in the search field neither redraws nor reorders the remaining rows', async t => {
  const page = await visit(t, '?sort=duration');
  await headline(page, /rooms free now$/);
  await page.evaluate(() => {
    const changes = [];
    Object.assign(window, {changes});
    new MutationObserver(records => changes.push(...records.filter(({target}) => target instanceof Element && target.closest('.room')))).observe(
      document.querySelector('#rooms'), {childList: true, subtree: true, characterData: true, attributes: true});
    document.querySelectorAll('.room').forEach((room, index) => { Object.assign(room, {index}); });
  });
  await page.getByRole('searchbox', {name: 'Search by room'}).fill('hall');
  await eventually(async () => (await page.locator('ul.free .facts').allTextContents()).every(text => /hall/i.test(text)), true);
  await page.getByRole('searchbox', {name: 'Search by room'}).fill('');
  await eventually(() => page.locator('.room').evaluateAll(rooms => rooms.map(room => Reflect.get(room, 'index')).slice(0, 20)), Array.from({length: 20}, (_, index) => index));
  assert.equal(await page.evaluate(() => Reflect.get(window, 'changes').length), 0);
});

test('the layout does not shift while the page of a large campus loads', async t => {
  for (const [query, viewport] of /** @type {const} */ ([['', PHONE], ['', DESKTOP], [`?date=${day}&from=10:00&to=11:00&sort=duration`, PHONE]])) {
    const page = await visit(t, query, {viewport, prepare: async page => {
      await page.addInitScript(() => {
        let shift = 0, moved = '';
        new PerformanceObserver(list => {
          for (const {value, sources} of /** @type {any[]} */ (list.getEntries())) {
            shift += value;
            moved += sources.map(({node, previousRect, currentRect}) => `${node?.nodeName} ${node?.id || node?.className} ${previousRect.y} → ${currentRect.y} `);
          }
          Object.assign(window, {shift, moved});
        }).observe({type: 'layout-shift', buffered: true});
      });
      // The data arrive after the first paint.
      await page.route('**/api/**', async route => { await new Promise(resolve => setTimeout(resolve, 400)); await route.fallback(); });
    }});
    await headline(page, /^\d+ rooms free/);
    await page.waitForTimeout(700);
    const shift = await page.evaluate(() => Reflect.get(window, 'shift') ?? 0);
    const moved = await page.evaluate(() => Reflect.get(window, 'moved'));
    assert.ok(shift < 0.02, `layout shift ${shift} at ${viewport.width} px: ${moved}`);
  }
});

test('text at 200 % needs no horizontal scrolling', async t => {
  for (const query of ['', '?sort=duration', '?from=14:00&to=15:30', `?date=${day}&when=day`]) {
    const page = await visit(t, query, {prepare: page => page.addInitScript(() => {
      addEventListener('DOMContentLoaded', () => { document.documentElement.style.fontSize = '200%'; });
    }), viewport: {width: 390, height: 844}});
    await headline(page, /free|room/);
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 390);
    assert.ok((await page.locator('header').boundingBox()).height < 250, 'the name of the campus breaks into letters');
  }
});

test('from right to left nothing overflows, and bars start at the right', async t => {
  const page = await visit(t, '', {prepare: page => page.addInitScript(() => {
    addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; });
  })});
  await headline(page, /rooms free now$/);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
  const past = await page.locator('.bar .past').first().evaluate(past => past.parentElement.getBoundingClientRect().right - past.getBoundingClientRect().right);
  assert.ok(Math.abs(past) < 1, `${past}`);
  await screenshot(page, 'right-to-left-phone');
});

test('"Show more" adds rows and focuses the first of them', async t => {
  const page = await visit(t, '?sort=duration&min_minutes=1', {time: '06:30', viewport: DESKTOP});
  await page.goto(`${server.url}/app?date=${day}&when=day&sort=duration&min_minutes=1`);
  await headline(page, /rooms with free time$/);
  assert.equal(await page.locator('ul.free .room').count(), 20);
  await page.getByRole('button', {name: 'Show 20 more'}).click();
  assert.equal(await page.locator('ul.free .room').count(), 40);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('ul.free .room')].indexOf(document.activeElement.closest('.room'))), 20);
});

test('a printout has all buildings with free rooms and their bars, but not the form', async t => {
  const page = await visit(t, '', {viewport: DESKTOP});
  await headline(page, /rooms free now$/);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  await page.emulateMedia({media: 'print'});
  assert.equal(await page.locator('#question').isVisible(), false);
  assert.ok(await page.locator('#rooms > .building .bar:visible').count() > 40);
  await page.goto(`${server.url}/app?date=${day}&when=day&sort=duration`);
  await headline(page, /rooms with free time$/);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.equal(await page.locator('ul.free .room').count(), Number((await page.locator('h1').innerText()).match(/\d+/)[0]));
});

for (const [name, query] of Object.entries({campus: '', 'campus-list': '?sort=duration', 'campus-nothing': '?min_minutes=900'}))
  test(`axe-core finds no violations on the large campus in the state "${name}"`, async t => {
    for (const [device, viewport] of Object.entries({phone: PHONE, desktop: DESKTOP})) {
      const page = await visit(t, query, {viewport});
      await headline(page, /free now( for 15.h)?$/);
      await page.emulateMedia({reducedMotion: 'reduce'});
      await assertAccessible(page, `${name}, ${device}`);
      await screenshot(page, `${name}-${device}`);
    }
  });
