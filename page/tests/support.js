// Shared by the page tests: the real local server, a real browser, and a clock that the test controls.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {isDeepStrictEqual} from 'node:util';
import {chromium} from 'playwright-core';

/** @typedef {import('playwright-core').Page} Page */
/** The options of `open`: those of a browser context, and its own.
    @typedef {import('playwright-core').BrowserContextOptions & {now?: Date, prepare?: (page: Page) => unknown, refuses?: boolean}} Options */

const ROOT = new URL('../../', import.meta.url).pathname;
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const SCREENSHOTS = join(TARGET, 'screenshots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Whether the simulated campus is closed on a day, or has few bookings. */
const QUIET = day => [0, 6].includes(day.getUTCDay()) || ['01-01', '07-04', '11-11', '12-24', '12-25'].includes(day.toISOString().slice(5, 10));

export const ZONE = 'America/New_York';
export const PHONE = {width: 390, height: 844};
export const DESKTOP = {width: 1280, height: 900};

const children = new Set();
process.once('exit', () => children.forEach(child => { child.kill('SIGKILL'); }));

/** The local server as a child process, with only these environment variables. */
export class Server {
  static async start(vars = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'emptyclassroom-'));
    const env = {PATH: process.env.PATH, PORT: '0', RUST_LOG: 'warn', ...vars};
    const child = spawn(join(TARGET, 'debug/emptyclassroom'), {cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit']});
    children.add(child);
    for await (const line of createInterface(child.stdout)) {
      const url = line.match(/listens on (http\S+)/)?.[1];
      if (url) return new Server(url, child, folder);
    }
    throw new Error('the server did not start; run cargo build first');
  }

  constructor(url, child, folder) {
    this.url = url;
    this.child = child;
    this.folder = folder;
    child.stdout.resume();
  }

  async json(path) {
    const response = await fetch(this.url + path);
    assert.equal(response.status, 200, path);
    return response.json();
  }

  /** Returns the next weekday with classes, after today. */
  async weekday() {
    const {date} = await this.json('/api/open-classrooms');
    const day = new Date(`${date}T00:00:00Z`);
    do day.setUTCDate(day.getUTCDate() + 1); while (QUIET(day));
    return day.toISOString().slice(0, 10);
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, {recursive: true, force: true});
  }
}

/** A fake 25Live without bookings. It fails while `fails` is set. */
export class Upstream {
  fails = false;
  url = '';

  static async start(t) {
    const upstream = new Upstream();
    const server = createServer((request, response) => upstream.answer(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const {port} = /** @type {import('node:net').AddressInfo} */ (server.address());
    upstream.url = `http://127.0.0.1:${port}/availabilitydata.json`;
    return upstream;
  }

  answer(request, response) {
    if (this.fails) return response.writeHead(500).end();
    const start = new URL(request.url, this.url).searchParams.get('start_dt');
    const days = Array.from({length: 30}, (_, day) => new Date(Date.parse(`${start}Z`) + day * 86_400_000).toISOString().slice(0, 19));
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({subjects: days.map(item_date => ({item_date, items: []}))}));
  }
}

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

/** Returns the instant at which the clocks of a time zone show this date and time. */
export function instant(date, time, timeZone = ZONE) {
  const wanted = Date.parse(`${date}T${time}Z`);
  const format = new Intl.DateTimeFormat('sv-SE', {timeZone, dateStyle: 'short', timeStyle: 'medium'});
  const shown = at => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  return new Date(2 * wanted - shown(wanted));
}

/** Returns 6:00 AM today, campus time, so that the whole day is ahead. */
export const morning = () => instant(new Intl.DateTimeFormat('sv-SE', {timeZone: ZONE}).format(), '06:00');

/** Opens a page in a new browser context. Its clock is fixed at `now` until the test changes it; its timers run. It has no service worker,
    because tests cannot intercept a worker's requests. A script error fails the test, and so does a violation of the page's policy unless `refuses` is set.
    @type {(t: any, browser: import('playwright-core').Browser, url: string, options?: Options) => Promise<Page>} */
export async function open(t, browser, url, {now, prepare, refuses = false, ...options} = {}) {
  const context = await browser.newContext({locale: 'en-US', timezoneId: ZONE, viewport: DESKTOP, serviceWorkers: 'block', ...options});
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', error => errors.push(String(error)));
  page.on('console', message => !refuses && /Content Security Policy|Trusted/i.test(message.text()) && errors.push(message.text()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(errors, [], 'script errors');
  });
  if (now) {
    await page.clock.setFixedTime(now);
    // With a Date header, the page would correct the test's clock.
    await page.route('**/api/**', withoutDate);
  }
  await prepare?.(page);
  await page.goto(url);
  return page;
}

/** @param {import('playwright-core').Route} route */
async function withoutDate(route) {
  const response = await route.fetch().catch(() => null);
  if (!response) return route.abort().catch(() => {});
  const {date, ...headers} = response.headers();
  await route.fulfill({response, headers}).catch(() => {});
}

/** Takes the page offline, including the responses that tests mock.
    @param {Page} page */
export async function goOffline(page) {
  await page.context().setOffline(true);
  await page.route('**/api/**', route => route.abort());
}

/** Waits until the rooms are shown. */
export const shown = page => page.locator('#rooms[aria-busy=false]').waitFor();

/** Waits until a value read from the page is as expected. Fails with the difference after 30 s. */
export async function eventually(read, expected) {
  let last;
  for (const patience = AbortSignal.timeout(30_000); !patience.aborted; await new Promise(resolve => setTimeout(resolve, 50))) {
    last = await read();
    if (expected instanceof RegExp ? expected.test(last) : isDeepStrictEqual(last, expected)) return;
  }
  if (expected instanceof RegExp) assert.match(last, expected);
  assert.deepEqual(last, expected);
}

export const headline = (page, expected) => eventually(() => page.locator('h1').innerText(), expected);

/** Clicks "Show more" until all rows are shown. */
export const showMore = page => page.evaluate(() => {
  const button = () => /** @type {HTMLElement | null} */ (document.querySelector('.free + .more:not([hidden])'));
  while (button()) button().click();
});

/** Returns the names of the free rooms in all buildings, such as "CAS 116". */
export async function freeRooms(page) {
  await showMore(page);
  return page.locator('ul.free .name').evaluateAll(names => names.map(name => name.textContent));
}

/** Returns the body of GET /api/buildings for a campus of one building. By default, its only UTC offset is that of the day. */
export const campusFacts = (date, {code = 'CAS', name = 'College of Arts & Sciences', opens = '07:00', closes = '23:00', timezone = ZONE,
  contact = undefined, utc_offsets = [{from: `${date}T00:00:00Z`, minutes: (Date.parse(`${date}T12:00:00Z`) - instant(date, '12:00').getTime()) / 60_000}]} = {}) =>
  ({timezone, contact, utc_offsets, buildings: [{code, name, opens, closes}]});

/** Mocks the API with a campus of one building, open from 7:00 to 23:00, that has these rooms.
    @type {(date: string, rooms: any[], options?: {name?: string, facts?: object, building?: object, [more: string]: unknown}) => (page: Page) => Promise<void>} */
export const campusOf = (date, rooms, {name = 'College of Arts & Sciences', facts = {}, building = {}, ...more} = {}) => async page => {
  const slots = times => times.map(([start_time, end_time]) => ({start_time, end_time}));
  const classrooms = rooms.map(({times = [], ...room}) => ({id: room.name, status: 'ok', availability: slots(times), ...room}));
  const last_updated = instant(date, '06:00').toISOString(), campus = campusFacts(date, {name, ...facts});
  const answer = {buildings: {CAS: {code: 'CAS', name, ...building, classrooms}}, last_updated, date, timezone: campus.timezone, stale: false, ...more};
  await page.route('**/api/buildings', route => route.fulfill({json: campus}));
  await page.route('**/api/open-classrooms*', route => route.fulfill({json: answer}));
};

/** Asserts that axe-core finds no violations. */
export async function assertAccessible(page, state) {
  await page.evaluate(AXE);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  const found = violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.slice(0, 3).map(node => node.html).join(' | ')}`);
  assert.deepEqual(found, [], state);
}

/** Saves a screenshot of the window. */
export async function screenshot(page, name, options = {}) {
  mkdirSync(SCREENSHOTS, {recursive: true});
  await page.screenshot({path: join(SCREENSHOTS, `${name}.png`), ...options});
}

const HALLS = ['Hall of Science', 'Engineering', 'Library', 'School of Law', 'Student Union', 'Mathematics', 'Chemistry', 'Kemper Hall', 'Olson Hall',
  'Wellman Hall', 'Haring Hall', 'Young Hall', 'Hart Hall', 'Social Sciences and Humanities'];

/** Returns a campus file with 42 buildings and 371 rooms, with locations, capacities and features. */
export function largeCampus() {
  const lines = ['name = "Large University"', `timezone = "${ZONE}"`, 'contact = "mailto:rooms@example.edu"', 'opens = "07:00"', 'closes = "22:00"'];
  for (let building = 0, room = 0; building < 42; building += 1) {
    const name = HALLS[building % HALLS.length] + ['', ' Annex', ' North'][Math.floor(building / HALLS.length)];
    lines.push('[[buildings]]', `code = "B${building + 1}"`, `name = "${name}"`, `location = [${38.53 + building * 7 % 42 / 2000}, ${-121.76 + building * 11 % 42 / 2000}]`);
    for (const end = Math.round((building + 1) * 371 / 42); room < end; room += 1)
      lines.push('[[buildings.classrooms]]', `id = "${1000 + room}"`, `name = "${100 + room}"`, `capacity = ${[12, 24, 48, 80, 300][room % 5]}`, 'features = ["Projector", "Whiteboard"]');
  }
  return lines.join('\n');
}
