// The page of one room: its facts, each day with data, its links, and navigation to it and back.

import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {assertAccessible, campusOf, DESKTOP, eventually, goOffline, headline, instant, largeCampus, launch, open, PHONE, screenshot, Server, ZONE} from './support.js';

let server, browser, day;
before(async () => {
  const file = join(tmpdir(), `emptyclassroom-room-${process.pid}.toml`);
  writeFileSync(file, largeCampus());
  [server, browser] = await Promise.all([Server.start({CAMPUS_FILE: file}), launch()]);
  day = await server.weekday();
  await eventually(async () => (await server.json('/api/health')).status, 'ok');
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** @type {(t: any, path?: string, options?: import('./support.js').Options) => Promise<import('./support.js').Page>} */
const visit = (t, path = '/app/rooms/1000', options = {}) => open(t, browser, server.url + path, {now: instant(day, '10:20'), viewport: PHONE, ...options});
const days = page => page.locator('.month li');

test('a tap on a room opens its page, and the back button restores the list', async t => {
  const page = await visit(t, '/app?sort=duration&building=B1,B2');
  await headline(page, /free now$/);
  const name = await page.locator('.room .name').first().textContent();
  await page.locator('.room').first().click({position: {x: 200, y: 60}});
  await headline(page, name);
  assert.match(new URL(page.url()).pathname, /^\/app\/rooms\/\d+$/);
  assert.equal(await page.locator('#question').isVisible(), false);
  await page.goBack();
  await headline(page, /free now$/);
  assert.equal(await page.locator('#choose').innerText(), '2 buildings');
  await page.goForward();
  await headline(page, name);
  await page.getByRole('link', {name: 'All rooms'}).click();
  await headline(page, /free now$/);
});

test('a room\'s page is about now, whatever the list\'s day, time and minimum length', async t => {
  for (const query of ['', '?at=14:00', '?when=day', `?date=${day}&from=14:00&to=15:00`, '?min_minutes=180', '?date=2026-01-01']) {
    const prepare = campusOf(day, [{name: '116', times: [['07:00', '10:59'], ['13:01', '23:00']]}]);
    const page = await visit(t, `/app${query}`, {prepare: async page => {
      await prepare(page);
      await page.route('**/api/classrooms/116/days', route => route.fulfill({status: 503, json: {}}));
    }});
    await page.locator('#rooms[aria-busy=false], .empty').first().waitFor();
    await page.evaluate(root => { document.body.append(Object.assign(document.createElement('a'), {href: `${root}/app/rooms/116`, textContent: 'There'})); }, server.url);
    await page.getByRole('link', {name: 'There', exact: true}).click();
    await headline(page, 'CAS 116');
    await eventually(async () => (await page.locator('#moment').innerText()).replaceAll('\u00a0', ' '), 'Free until 11:00 AM · 40 min, then booked');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'headline');
  }
});

test('the links in the header and footer are the same on a room\'s page', async t => {
  const page = await visit(t, '/app');
  await headline(page, /free now$/);
  const links = () => page.locator('header a, footer a, head link').evaluateAll(links => links.map(link => /** @type {HTMLAnchorElement} */ (link).href));
  const before = await links();
  await page.locator('.room .name').first().click();
  await headline(page, /^B\d+ \d+$/);
  assert.deepEqual(await links(), before);
  await page.locator('#home').click();
  await headline(page, /free now$/);
  assert.equal(new URL(page.url()).pathname, '/app');
});

test('with old data, a room\'s page shows when they were last updated, and no current state', async t => {
  const page = await visit(t);
  await headline(page, 'B1 100');
  await eventually(async () => await days(page).count() > 20, true);
  await goOffline(page);
  const tomorrow = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  await page.clock.setFixedTime(instant(tomorrow, '10:00'));
  await eventually(() => page.locator('#notice').innerText(), /^You’re offline\. Last updated/);
  // Yesterday's data must not appear as the current state.
  await eventually(() => page.locator('#moment').innerText(), '');
});

test('the building on a room\'s page links to its rooms', async t => {
  const page = await visit(t);
  await headline(page, 'B1 100');
  await page.getByRole('link', {name: 'Hall of Science'}).click();
  await headline(page, /free now$/);
  assert.equal(new URL(page.url()).search, '?building=B1');
  assert.equal(await page.locator('#choose').innerText(), 'B1');
});

test('the URL of a room shows its facts and every day that the API has', async t => {
  const page = await visit(t);
  await headline(page, 'B1 100');
  const room = await server.json('/api/classrooms/1000/days');
  const kept = room.days.filter(({date}) => date >= day);
  await eventually(() => days(page).count(), kept.length);
  assert.match(await page.locator('.room-facts').innerText(), /^Hall of Science · 12.seats$/);
  assert.deepEqual(await page.locator('.features li').allTextContents(), ['Projector', 'Whiteboard']);
  const free = kept.map(({availability}) => availability.length);
  assert.deepEqual(await days(page).evaluateAll(days => days.map(day => day.querySelectorAll('.bar i:not(.past, .now)').length)), free);
  assert.equal(await page.title(), 'B1 100 · Large University');
});

test('a room\'s page has a calendar link, a share button and a map link', async t => {
  const page = await visit(t, undefined, {permissions: ['clipboard-read', 'clipboard-write']});
  await headline(page, 'B1 100');
  const href = name => page.getByRole('link', {name}).getAttribute('href');
  assert.equal(await href('Add to calendar'), `${server.url.replace('http', 'webcal')}/api/classrooms/1000/calendar.ics`);
  assert.match(await href('Map'), /^https:\/\/www\.openstreetmap\.org\/\?mlat=38\.53&mlon=-121\.76#/);
  await page.evaluate(() => Object.defineProperty(navigator, 'share', {value: undefined}));
  await page.getByRole('button', {name: 'Share'}).click();
  await eventually(() => page.getByRole('button', {name: 'Link copied'}).count(), 1);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
});

test('an unknown room gets a message and a link to the list', async t => {
  for (const id of ['999999', '%E0%A4%A']) {
    const page = await visit(t, `/app/rooms/${id}`);
    await headline(page, 'Classroom not found');
    await page.getByRole('link', {name: 'All rooms'}).click();
    await headline(page, /free now$/);
  }
});

test('a closed day, an unknown one and one with shorter hours look different', async t => {
  const dates = [0, 1, 2, 3].map(days => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10));
  const slots = [{start_time: '10:00', end_time: '12:00'}];
  const facts = [{status: 'ok', opens: '07:00', closes: '23:00', availability: slots}, {status: 'ok', opens: null, closes: null, availability: []},
    {status: 'unknown', opens: '07:00', closes: '23:00', availability: []}, {status: 'ok', opens: '10:00', closes: '12:00', availability: slots}];
  const prepare = async page => {
    await campusOf(day, [{name: '116', times: [['10:00', '12:00']]}])(page);
    await page.route('**/api/classrooms/116/days', route => route.fulfill({json: {id: '116', name: '116', building_code: 'CAS', timezone: ZONE,
      days: dates.map((date, index) => ({date, last_updated: null, ...facts[index]}))}}));
  };
  const page = await visit(t, '/app/rooms/116', {prepare});
  await headline(page, 'CAS 116');
  const texts = () => page.locator('.month span').evaluateAll(spans => spans.map(span => span.textContent.replaceAll('\u00a0', ' ')));
  await eventually(texts, ['9:59 AM – 12:01 PM', 'Closed', 'Unknown', '10:00 AM – 12:00 PM']);
  assert.match(await page.locator('#moment').innerText(), /^Free until 12:01.PM · 1.h.41.min, then booked$/);
});

test('names and features on a room\'s page never become markup', async t => {
  const hostile = '<img src=x onerror="document.title=1">';
  const prepare = campusOf(day, [{name: hostile, id: '7', times: [['07:00', '23:00']], features: [hostile]}], {name: hostile});
  const page = await visit(t, '/app/rooms/7', {prepare: async page => {
    await prepare(page);
    await page.route('**/api/classrooms/7/days', route => route.fulfill({status: 503, json: {}}));
  }});
  await headline(page, `CAS ${hostile}`);
  assert.deepEqual(await page.locator('.features li').allTextContents(), [hostile]);
  assert.equal(await page.locator('main img').count(), 0);
  await eventually(() => page.locator('.building .empty').innerText(), 'This page will try again automatically.');
});

test('axe-core finds no violations on a room\'s page', async t => {
  for (const [device, viewport] of Object.entries({phone: PHONE, desktop: DESKTOP}))
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      const page = await visit(t, undefined, {viewport, colorScheme});
      await headline(page, 'B1 100');
      await eventually(async () => await days(page).count() > 20, true);
      await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});
      await assertAccessible(page, `room, ${device}, ${colorScheme}`);
      await screenshot(page, `room-${device}-${colorScheme}`);
    }
});
