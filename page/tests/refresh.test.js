// Refreshing, and what the page says when data are old or cannot be had.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {eventually, headline, instant, launch, morning, open, Server, shown, Upstream} from './support.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** A server of the test's own. */
async function serve(t, vars) {
  const server = await Server.start(vars);
  t.after(() => server.stop());
  return server;
}

const button = page => page.locator('#refresh');
const says = (page, expected) => eventually(() => page.locator('#refresh-state').innerText(), expected);
const warns = (page, expected) => eventually(() => page.locator('#notice').innerText(), expected);

test('the cooldown counts down on the button, which says why it does nothing', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const {date} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`, {now: instant(date, '10:20')});
  await eventually(() => button(page).innerText(), /^Refresh in (30:00|29:\d\d)$/);
  assert.equal(await button(page).getAttribute('aria-disabled'), 'true');
  await page.clock.setFixedTime(instant(date, '10:30'));
  await eventually(() => button(page).innerText(), /^Refresh in (20:00|19:\d\d)$/);
  await button(page).click({force: true});
  await says(page, /^The bookings were read a short time ago\. You can refresh again in 20.min\.$/);
  await page.clock.setFixedTime(instant(date, '10:50'));
  await eventually(() => button(page).innerText(), 'Refresh');
  assert.equal(await button(page).getAttribute('aria-disabled'), 'false');
});

test('a refresh brings new data, and says so for a while', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0'});
  const {last_updated} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  const next = page.waitForResponse('**/api/open-classrooms*');
  await button(page).click();
  await says(page, 'The bookings are up to date.');
  assert.ok((await (await next).json()).last_updated > last_updated);
  await eventually(() => page.locator('#updated').innerText(), /updated just now$/);
  await says(page, '');
});

/** What a page asks for from now on: the paths and queries. */
function asked(page) {
  const requests = [];
  page.on('request', request => { const {pathname, search} = new URL(request.url()); requests.push(pathname + search); });
  return requests;
}

const seenIn = request => new URLSearchParams(request.split('?')[1]).get('seen');
const reads = requests => requests.filter(request => /^\/api\/(open-classrooms|cooldown-status)/.test(request));

test('after its own refresh a tab asks with the timestamp, as long as a CDN may have older data', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0', EDGE_SECONDS: '60'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  const requests = asked(page), refreshed = page.waitForResponse('**/api/refresh');
  await button(page).click();
  const {timestamp} = await (await refreshed).json();
  await says(page, 'The bookings are up to date.');
  const seen = async (count, expected) => {
    await eventually(() => reads(requests).length >= count, true);
    assert.deepEqual(reads(requests).map(seenIn), Array(reads(requests).length).fill(expected), requests.join(' '));
    requests.length = 0;
  };
  await seen(2, timestamp);
  await page.getByRole('button', {name: 'Next day'}).click();
  await seen(1, timestamp);
  await page.reload();
  await shown(page);
  await seen(2, timestamp);
  const other = await open(t, browser, 'about:blank');
  const elsewhere = asked(other);
  await other.goto(`${server.url}/app`);
  await shown(other);
  assert.deepEqual([...new Set(reads(elsewhere).map(seenIn))], [null]);
  await page.clock.setFixedTime(Date.now() + 6 * 60_000);
  await seen(1, null);
});

test('while a refresh runs the button says so, and another click starts no second one', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  let release, posts = 0;
  const held = new Promise(resolve => { release = resolve; });
  await page.route('**/api/refresh', async route => { posts += 1; await held; await route.continue(); });
  await button(page).click();
  await eventually(() => button(page).innerText(), 'Refreshing …');
  await says(page, 'Reading the bookings of all rooms …');
  await button(page).click({force: true});
  release();
  await says(page, 'The bookings are up to date.');
  assert.equal(posts, 1);
});

test('when somebody else was quicker the page shows their data, and counts down', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`, {
    prepare: page => page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: false, remaining_minutes: 0}}), {times: 1})});
  await shown(page);
  await eventually(() => button(page).innerText(), 'Refresh');
  const next = page.waitForRequest('**/api/open-classrooms*');
  await button(page).click();
  await says(page, /^Someone else refreshed just now\. You can refresh again in 30.min\.$/);
  assert.match((await next).url(), /[?&]seen=20/, 'a CDN may have older data');
  await eventually(() => button(page).innerText(), /^Refresh in (30:00|29:\d\d)$/);
});

test('a refresh that fails says so, leaves what is shown, and holds back for a minute', async t => {
  const upstream = await Upstream.start(t);
  const server = await serve(t, {API_URL: upstream.url, REFRESH_COOLDOWN_MINUTES: '0', RUST_LOG: 'off'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await headline(page, '77 rooms with free time');
  upstream.fails = true;
  await button(page).click();
  await says(page, 'The bookings could not be read. The page still shows the earlier ones.');
  await headline(page, '77 rooms with free time');
  await eventually(() => button(page).innerText(), /^Refresh in (1:00|0:\d\d)$/);
  const other = await open(t, browser, `${server.url}/app`);
  await shown(other);
  await button(other).click();
  await says(other, /^The bookings cannot be read at the moment\. Try again in (\d+ s|1.min)\.$/);
});

test('old data are said to be old', async t => {
  const upstream = await Upstream.start(t);
  const server = await serve(t, {API_URL: upstream.url, CACHE_EXPIRY: '1', RUST_LOG: 'off'});
  await server.json('/api/open-classrooms');
  upstream.fails = true;
  await eventually(async () => (await server.json('/api/open-classrooms')).stale, true);
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await warns(page, /^These bookings are old, and new ones are not available\. The page shows what was known at \d+:\d\d.[AP]M\.$/);
  await headline(page, '77 rooms with free time');
});

test('with no data at all the page says so, and shows them when they come', async t => {
  const upstream = await Upstream.start(t);
  upstream.fails = true;
  const vars = {API_URL: upstream.url, RUST_LOG: 'off'};
  const server = await serve(t, vars);
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await headline(page, 'No data at the moment');
  await server.stop();
  upstream.fails = false;
  await (await serve(t, {...vars, PORT: new URL(server.url).port})).json('/api/open-classrooms');
  await page.clock.setFixedTime(morning().getTime() + 61_000);
  await headline(page, '77 rooms with free time');
});

test('a server that is gone is said to be gone, what is known stays, and it is found again', async t => {
  const server = await Server.start();
  t.after(() => server.stop());
  const {date} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: instant(date, '10:20')});
  await headline(page, /(with|has) free time$/);
  await server.stop();
  await page.clock.setFixedTime(instant(date, '10:26'));
  await warns(page, /^The server cannot be reached\. The page shows what was known at/);
  await headline(page, /(with|has) free time$/);
  await page.getByRole('button', {name: 'Next day'}).click();
  await headline(page, 'The server cannot be reached');
  const again = await Server.start({PORT: new URL(server.url).port});
  t.after(() => again.stop());
  await again.json('/api/open-classrooms');
  await page.getByRole('button', {name: 'Try again'}).click();
  await headline(page, /(with|has) free time$/);
});

test('a device that is offline is told so, and goes on by itself when it is not', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  await page.context().setOffline(true);
  await warns(page, /^You are offline\. The page shows what was known at/);
  await page.context().setOffline(false);
  await warns(page, '');
});
