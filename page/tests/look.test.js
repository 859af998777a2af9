// Look and accessibility: each state of the page on a phone and a desktop, in light and dark mode, checked by axe-core and saved as a
// screenshot; the keyboard; narrow windows; forced colors.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {assertAccessible, campusOf, DESKTOP, eventually, headline, instant, launch, open, PHONE, screenshot, Server, shown} from './support.js';

let server, browser, day;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  day = await server.weekday();
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** @type {(t: any, query?: string, options?: import('./support.js').Options & {time?: string}) => Promise<import('./support.js').Page>} */
const visit = (t, query = '', {time = '10:20', ...options} = {}) =>
  open(t, browser, `${server.url}/app${query}`, {now: instant(day, time), ...options});

const fails = (status, times) => page => page.route('**/api/open-classrooms*', route => status
  ? route.fulfill({status, contentType: 'application/problem+json', json: {detail: 'Cache unavailable'}}) : route.abort(), {times});
const refusing = status => page => page.route('**/api/refresh', route => route.fulfill({status, json: {detail: 'Failed to refresh data'}}));
const ready = page => page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: false, remaining_minutes: 0}}));
const never = pattern => page => page.route(pattern, () => {});
const odd = more => page => campusOf(day, [
  {name: '116', times: [['07:00', '10:59'], ['13:01', '13:59'], ['18:01', '23:00']]}, {name: '201', status: 'unknown'},
  {name: '203', status: 'stale', times: [['09:51', '12:29']]}, {name: '204A', times: [['07:00', '23:00']]}, {name: '208'}], more)(page);
const all = (...steps) => async page => { for (const step of steps) await step(page); };
const click = page => page.locator('#refresh').click();

/** The states of the page: the query, the setup, the action, and the headline that shows that the state is reached. */
const STATES = {
  now: {headline: /free now$/},
  at: {query: '?at=14:00', headline: /free at/},
  range: {query: '?from=14:00&to=15:30&min_minutes=120&sort=duration', headline: /free from 2:00/},
  'all-day': {query: '?when=day&building=CGS', headline: /with free time$/},
  search: {query: '?q=cas+2', headline: /free now$/},
  'nothing-found': {query: '?q=nowhere', headline: 'No rooms free now'},
  'before-opening': {time: '05:30', headline: 'No rooms free now'},
  'unknown-and-stale-rooms': {query: '?q=cas', prepare: odd(), headline: '3 rooms free now'},
  'stale-data': {prepare: odd({stale: true}), headline: '3 rooms free now'},
  elsewhere: {timezoneId: 'Asia/Tokyo', locale: 'en-GB', headline: /free now$/},
  'not-kept': {query: '?date=2099-01-01', headline: 'Date not available'},
  loading: {prepare: never('**/api/open-classrooms*'), headline: 'Free classrooms'},
  unavailable: {prepare: fails(503), headline: 'No data right now'},
  unreachable: {prepare: fails(0), headline: 'Can’t reach the server'},
  'ready-to-refresh': {prepare: ready, headline: /free now$/, state: ''},
  refreshing: {prepare: all(ready, never('**/api/refresh')), act: click, headline: /free now$/, state: /^Checking/},
  'refresh-failed': {prepare: all(ready, refusing(502)), act: click, headline: /free now$/, state: /^Couldn’t get new bookings/},
};

for (const [name, {query, act, headline: expected, state, ...options}] of Object.entries(STATES)) {
  test(`axe-core finds no violations in the state "${name}"`, async t => {
    for (const [device, viewport] of Object.entries({phone: PHONE, desktop: DESKTOP})) {
      const page = await visit(t, query, {viewport, ...options});
      await headline(page, expected);
      if (name !== 'loading') await shown(page);
      await act?.(page);
      if (state !== undefined) await eventually(() => page.locator('#refresh-state').innerText(), state);
      await page.mouse.move(0, 0);
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});
        await assertAccessible(page, `${name}, ${device}, ${colorScheme}`);
        await screenshot(page, `${name}-${device}-${colorScheme}`);
      }
    }
  });
}

test('nothing overflows a window that is 320 pixels wide', async t => {
  for (const query of ['', '?from=14:00&to=15:30', '?date=2099-01-01', '?when=day']) {
    const page = await visit(t, query, {viewport: {width: 320, height: 640}});
    await headline(page, /free|available/);
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), 320);
  }
});

test('a name longer than a line neither overflows nor overlaps', async t => {
  const name = `Room of the ${'very '.repeat(20)}long names, ${'x'.repeat(90)}`;
  for (const width of [320, 390, 1280]) {
    const prepare = campusOf(day, [{name, times: [['07:00', '23:00']]}, {name: 'B'}], {name});
    const page = await visit(t, '', {viewport: {width, height: 700}, prepare});
    await headline(page, '1 room free now');
    await page.locator('.rest summary').click();
    await eventually(() => page.evaluate(() => document.documentElement.scrollWidth), width);
    const [named, answered] = await Promise.all(['.name', '.answer b'].map(part => page.locator(`.free ${part}`).boundingBox()));
    const apart = named.x + named.width <= answered.x || named.y + named.height <= answered.y;
    assert.ok(apart, `at ${width} px the answer overlaps the name`);
  }
});

test('without JavaScript the page shows a message, and no controls', async t => {
  const page = await visit(t, '', {javaScriptEnabled: false});
  assert.match(await page.getByRole('main').innerText(), /^Free classrooms\s+This page needs JavaScript\. The API has the same data: api\/open-classrooms$/);
  assert.equal(await page.locator('button:visible, input:visible, select:visible').count(), 0);
  assert.equal(await page.getByRole('link', {name: 'api/open-classrooms'}).count(), 1);
});

test('the mode and the day fit on one line each', async t => {
  const page = await visit(t, `?from=14:00&to=15:30&date=${day}`);
  await headline(page, /free/);
  const heights = await page.locator('.segments, .day').evaluateAll(rows => rows.map(row => row.getBoundingClientRect().height));
  assert.ok(Math.max(...heights) < 60, `${heights}`);
});

test('the Tab key reaches every control in order, with a visible focus ring', async t => {
  const page = await visit(t, '?when=day', {prepare: odd()});
  await headline(page, /with free time$/);
  const focused = () => page.evaluate(() => {
    const {id, value, ariaLabel, tagName} = /** @type {HTMLInputElement} */ (document.activeElement);
    return id || value || ariaLabel || tagName;
  });
  const order = [];
  for (let step = 0; step < 14; step += 1) {
    await page.keyboard.press('Tab');
    if (order.at(-1) !== await focused()) order.push(await focused());
    const ring = await page.evaluate(() => [document.activeElement, document.activeElement.nextElementSibling].filter(Boolean)
      .map(node => getComputedStyle(node)).some(({outlineStyle, opacity}) => outlineStyle === 'solid' && opacity !== '0'));
    assert.ok(ring, `no focus ring around ${await focused()}`);
  }
  assert.deepEqual(order, ['A', 'home', 'refresh', 'q', 'day', 'date', 'next', 'min', 'sort', 'SUMMARY', 'A']);
});

test('the skip link, the folded rooms and the modes work with the keyboard alone', async t => {
  const page = await visit(t, '', {prepare: odd()});
  await headline(page, '3 rooms free now');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'rooms');
  await page.locator('.rest summary').focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('.rest').evaluate((/** @type {HTMLDetailsElement} */ details) => details.open), true);
  await page.locator('[value=now]').focus();
  await page.keyboard.press('ArrowRight');
  await headline(page, /free at 10:30.AM$/);
});

test('an update each minute keeps the focus', async t => {
  const page = await visit(t, '', {prepare: odd()});
  await headline(page, '3 rooms free now');
  await page.locator('.rest summary').focus();
  await page.keyboard.press('Enter');
  await page.clock.setFixedTime(instant(day, '10:21'));
  await eventually(() => page.locator('#moment').innerText(), /10:21/);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY');
  assert.equal(await page.locator('.rest').evaluate((/** @type {HTMLDetailsElement} */ details) => details.open), true);
});

test('a changed count is announced to screen readers, and the page has landmarks and headings', async t => {
  const page = await visit(t, '', {prepare: odd()});
  const announced = page.getByRole('status').filter({hasText: 'free now'});
  await eventually(async () => (await announced.textContent()).replaceAll('\u00a0', ' '), '3 rooms free now, for at least 30 min');
  await page.getByLabel('For at least').selectOption('120');
  await eventually(() => announced.textContent(), /^2 rooms free now, for at least 2.h$/);
  for (const landmark of /** @type {const} */ (['banner', 'main', 'search', 'contentinfo'])) assert.equal(await page.getByRole(landmark).count(), 1, landmark);
  assert.deepEqual(await page.getByRole('heading').evaluateAll(headings => headings.map(({tagName}) => tagName)), ['H1', 'H2', 'H2']);
});

test('the bar of a day stays legible in forced colors', async t => {
  const page = await visit(t, '', {prepare: odd(), forcedColors: 'active'});
  await headline(page, '3 rooms free now');
  const colors = await page.locator('.room', {hasText: '116'}).locator('.bar').evaluate(bar =>
    [bar, bar.querySelector('.current'), bar.querySelector('i[class=""]'), bar.querySelector('.now')].map(node => getComputedStyle(node).backgroundColor));
  assert.equal(new Set(colors).size, 4, colors.join(' '));
  await assertAccessible(page, 'forced colors');
  await screenshot(page, 'forced-colors-desktop');
});

test('nothing is animated with prefers-reduced-motion', async t => {
  const durations = page => page.evaluate(() => [...document.querySelectorAll('*')].filter(node => getComputedStyle(node).transitionDuration !== '0s').length);
  const page = await visit(t, '', {reducedMotion: 'reduce'});
  await shown(page);
  assert.equal(await durations(page), 0);
  await page.emulateMedia({reducedMotion: 'no-preference'});
  assert.notEqual(await durations(page), 0);
});
