// Refreshing, and the messages for data that are old or missing.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {eventually, headline, instant, launch, morning, open, Server, shown, Upstream} from './support.js';

let browser;
before(async () => { browser = await launch(); });
after(() => browser?.close());

/** Starts a server for one test. */
async function serve(t, vars) {
  const server = await Server.start(vars);
  t.after(() => server.stop());
  return server;
}

const button = page => page.locator('#refresh');
const says = (page, expected) => eventually(() => page.locator('#refresh-state').innerText(), expected);
const warns = (page, expected) => eventually(() => page.locator('#notice').innerText(), expected);

test('the button counts down the cooldown, and a click on it shows when a refresh is possible', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const {date} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`, {now: instant(date, '10:20')});
  await eventually(() => button(page).innerText(), /^Refresh in (30:00|29:\d\d)$/);
  assert.equal(await button(page).getAttribute('aria-disabled'), 'true');
  await page.clock.setFixedTime(instant(date, '10:30'));
  await eventually(() => button(page).innerText(), /^Refresh in (20:00|19:\d\d)$/);
  await button(page).click({force: true});
  await says(page, /^You can refresh again in 20.min\.$/);
  await page.clock.setFixedTime(instant(date, '10:50'));
  await eventually(() => button(page).innerText(), 'Refresh');
  assert.equal(await button(page).getAttribute('aria-disabled'), 'false');
});

test('a refresh loads new data and shows a message for a while', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0'});
  const {last_updated} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  const next = page.waitForResponse('**/api/open-classrooms*');
  await button(page).click();
  await says(page, 'Bookings are up to date.');
  assert.ok((await (await next).json()).last_updated > last_updated);
  await eventually(() => page.locator('#updated').innerText(), /updated just now$/);
  await says(page, '');
});

/** Collects the paths and queries of the page's requests from now on. */
function asked(page) {
  const requests = [];
  page.on('request', request => { const {pathname, search} = new URL(request.url()); requests.push(pathname + search); });
  return requests;
}

const seenIn = request => new URLSearchParams(request.split('?')[1]).get('seen');
const reads = requests => requests.filter(request => /^\/api\/(open-classrooms|cooldown-status)/.test(request));

test('after a refresh, the tab adds `seen` to its requests while a CDN may have older data', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0', EDGE_SECONDS: '60'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  const requests = asked(page), refreshed = page.waitForResponse('**/api/refresh');
  await button(page).click();
  const {timestamp} = await (await refreshed).json();
  await says(page, 'Bookings are up to date.');
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

test('while a refresh runs the button shows it, and another click starts no second refresh', async t => {
  const server = await serve(t, {REFRESH_COOLDOWN_MINUTES: '0'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  let release, posts = 0;
  const held = new Promise(resolve => { release = resolve; });
  await page.route('**/api/refresh', async route => { posts += 1; await held; await route.continue(); });
  await button(page).click();
  await eventually(() => button(page).innerText(), 'Refreshing…');
  await says(page, 'Checking all rooms for new bookings…');
  await button(page).click({force: true});
  release();
  await says(page, 'Bookings are up to date.');
  assert.equal(posts, 1);
});

test('after someone else\'s refresh, a click loads their data and starts the countdown', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`, {
    prepare: page => page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: false, remaining_minutes: 0}}), {times: 1})});
  await shown(page);
  await eventually(() => button(page).innerText(), 'Refresh');
  const next = page.waitForRequest('**/api/open-classrooms*');
  await button(page).click();
  await says(page, /^Someone else just refreshed\. You can refresh again in 30.min\.$/);
  assert.match((await next).url(), /[?&]seen=20/, 'the request lacks `seen`, and a CDN may have older data');
  await eventually(() => button(page).innerText(), /^Refresh in (30:00|29:\d\d)$/);
});

test('a failed refresh shows a warning, keeps the data, and starts a backoff of one minute', async t => {
  const upstream = await Upstream.start(t);
  const server = await serve(t, {API_URL: upstream.url, REFRESH_COOLDOWN_MINUTES: '0', RUST_LOG: 'off'});
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await headline(page, '77 rooms with free time');
  upstream.fails = true;
  await button(page).click();
  await says(page, 'Couldn’t get new bookings. You’re still seeing the earlier ones.');
  await headline(page, '77 rooms with free time');
  await eventually(() => button(page).innerText(), /^Refresh in (1:00|0:\d\d)$/);
  const other = await open(t, browser, `${server.url}/app`);
  await shown(other);
  await button(other).click();
  await says(other, /^Can’t get new bookings right now\. Try again in (\d+ sec|1.min)\.$/);
});

test('stale data get a notice with the time of the last update', async t => {
  const upstream = await Upstream.start(t);
  const server = await serve(t, {API_URL: upstream.url, CACHE_EXPIRY: '1', RUST_LOG: 'off'});
  await server.json('/api/open-classrooms');
  upstream.fails = true;
  await eventually(async () => (await server.json('/api/open-classrooms')).stale, true);
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await warns(page, /^Couldn’t get the latest bookings\. Last updated at \d+:\d\d.[AP]M\.$/);
  await headline(page, '77 rooms with free time');
});

test('without data the page shows a message, and retries until it has data', async t => {
  const upstream = await Upstream.start(t);
  upstream.fails = true;
  const vars = {API_URL: upstream.url, RUST_LOG: 'off'};
  const server = await serve(t, vars);
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: morning()});
  await headline(page, 'No data right now');
  await server.stop();
  upstream.fails = false;
  await (await serve(t, {...vars, PORT: new URL(server.url).port})).json('/api/open-classrooms');
  await page.clock.setFixedTime(morning().getTime() + 61_000);
  await headline(page, '77 rooms with free time');
});

test('an unreachable server gets a notice, the data stay, and "Try again" finds the server again', async t => {
  const server = await Server.start();
  t.after(() => server.stop());
  const {date} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app?when=day`, {now: instant(date, '10:20')});
  await headline(page, /(with|has) free time$/);
  await server.stop();
  await page.clock.setFixedTime(instant(date, '10:26'));
  await warns(page, /^Can’t reach the server\. Last updated at/);
  await headline(page, /(with|has) free time$/);
  await page.getByRole('button', {name: 'Next day'}).click();
  await headline(page, 'Can’t reach the server');
  const again = await Server.start({PORT: new URL(server.url).port});
  t.after(() => again.stop());
  await again.json('/api/open-classrooms');
  await page.getByRole('button', {name: 'Try again'}).click();
  await headline(page, /(with|has) free time$/);
});

test('an offline device gets a notice, which disappears when the device is online again', async t => {
  const server = await serve(t);
  await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app`);
  await shown(page);
  await page.context().setOffline(true);
  await warns(page, /^You’re offline\. Last updated at/);
  await page.context().setOffline(false);
  await warns(page, '');
});
