// The list of rooms: which are free, until when, on which day, and for which question.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {campusFacts, campusOf, eventually, freeRooms, goOffline, headline, instant, launch, open, Server, showMore, shown, ZONE} from './support.js';

let server, browser, day;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  day = await server.weekday();
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** Opens the page on that weekday, at a campus time.
    @type {(t: any, query?: string, options?: import('./support.js').Options & {time?: string, path?: string}) => Promise<import('./support.js').Page>} */
const visit = (t, query = '', {time = '10:20', path = '/app', ...options} = {}) =>
  open(t, browser, server.url + path + query, {now: instant(day, time), ...options});

const answerOf = room => room.locator('.answer').evaluate(answer => [...answer.children].map(part => part.textContent.replaceAll('\u00a0', ' ')).filter(Boolean));
const room = (page, name) => page.locator('.room').filter({has: page.locator('.name', {hasText: new RegExp(`${name}$`)})});

/** Collects the paths of the page's requests from now on. */
function requestsOf(page) {
  const paths = [];
  page.on('request', request => paths.push(new URL(request.url()).pathname));
  return paths;
}

/** Returns the free rooms and their free times in the page's order. */
async function freeOnPage(page) {
  await showMore(page);
  return page.locator('ul.free .room').evaluateAll(rooms => rooms.map(room => {
    const [name, answer] = room.children;
    return [name, ...answer.childNodes].map(node => node.textContent).join(' ').replaceAll('\u00a0', ' ').replace(/, then \w+$/, '');
  }));
}

/** Returns the free rooms and their free times in the API's order. */
async function freeByApi(query) {
  const {buildings} = await server.json(`/api/open-classrooms?${query}`);
  return Object.values(buildings).flatMap(({code, classrooms}) => classrooms.map(({name, free_until, free_minutes}) =>
    `${code} ${name} Free until ${Number(free_until.slice(11, 13))}${free_until.slice(13, 16)} ${lengthOf(free_minutes)}`));
}

const lengthOf = minutes => [[Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']].filter(([number]) => number).map(part => part.join(' ')).join(' ');

test('the page and the API find the same rooms for the same question', async t => {
  const page = await visit(t, '', {locale: 'en-GB'});
  for (const query of ['at=07:00', 'at=09:55', 'at=10:05', 'at=12:30', 'at=17:59', 'at=21:29', 'at=21:30', 'at=22:59', 'at=23:00', 'at=06:59',
    'from=09:00&to=10:00', 'from=13:15&to=16:45', 'at=11:00&min_minutes=90', 'from=10:00&to=11:00&min_minutes=120',
    'at=13:00&q=cas+2', 'at=13:00&q=General', 'at=13:00&building=CGS', 'at=14:00&sort=duration&min_minutes=30&q=3']) {
    const question = `date=${day}${query.includes('min_minutes') ? '' : '&min_minutes=1'}&${query}`;
    await page.goto(`${server.url}/app?${question}`);
    await shown(page);
    const expected = await freeByApi(question.includes('sort') ? question : `${question}&sort=name`);
    // The page sorts rooms with equally long free times by name; the API keeps the order of the campus file.
    const sorted = rooms => question.includes('sort') ? rooms.toSorted() : rooms;
    assert.deepEqual(sorted(await freeOnPage(page)), sorted(expected), query);
  }
});

test('the page and the API list the same rooms as free now', async t => {
  const page = await visit(t, '?min_minutes=1', {time: '12:40', locale: 'en-GB'});
  await headline(page, /free now$/);
  assert.deepEqual(await freeOnPage(page), await freeByApi(`date=${day}&at=12:40&sort=name`));
});

test('the page and the API list the same rooms with free time on a day', async t => {
  const page = await visit(t, `?date=${day}&when=day&min_minutes=240`, {time: '00:10'});
  await headline(page, /with free time$/);
  const {buildings} = await server.json(`/api/open-classrooms?date=${day}&min_minutes=240&sort=name`);
  const expected = Object.values(buildings).flatMap(({code, classrooms}) => classrooms.map(({name}) => `${code} ${name}`));
  assert.ok(expected.length > 0);
  assert.deepEqual(await freeRooms(page), expected);
});

test('a room is free from the end of a booking until the start of the next, excluding that minute', async t => {
  const prepare = campusOf(day, [{name: '116', times: [['07:00', '07:59'], ['09:01', '09:59'], ['11:31', '23:00']]}]);
  for (const [time, expected] of /** @type {const} */ ([
    ['05:50', ['Free at 7:00 AM', '1 h']],
    ['06:59', ['Free in 1 min', '1 h']],
    ['07:00', ['Free until 8:00 AM', '1 h, then booked']],
    ['08:00', ['Free in 1 h', '1 h']],
    ['09:00', ['Free until 10:00 AM', '1 h, then booked']],
    ['09:59', ['Free until 10:00 AM', '1 min, then booked']],
    ['10:00', ['Free at 11:30 AM', '11 h 30 min']],
    ['20:50', ['Free until 11:00 PM', '2 h 10 min, then closed']],
    ['23:00', ['No free time left']],
  ])) {
    const page = await visit(t, '?q=116&min_minutes=1', {time, prepare});
    await shown(page);
    assert.deepEqual(await answerOf(room(page, '116')), expected, time);
  }
});

test('the bar of a day has a text alternative for screen readers', async t => {
  const page = await visit(t, '', {time: '15:00', prepare: campusOf(day, [{name: '116', times: [['07:00', '10:59'], ['13:01', '23:00']]}])});
  const bar = room(page, '116').getByRole('img');
  await eventually(() => bar.getAttribute('aria-label'), /^Open 7:00.AM to 11:00.PM\. Free 7:00.AM to 11:00.AM and 1:00.PM to 11:00.PM\.$/);
  const parts = await bar.evaluate(bar => {
    const whole = bar.getBoundingClientRect(), part = x => Math.round(100 * (x - whole.left) / whole.width);
    return [...bar.children].map(node => [node.className, part(node.getBoundingClientRect().left), part(node.getBoundingClientRect().right)]);
  });
  // The bar spans 16 hours, so four hours are 25 %.
  assert.deepEqual(parts.slice(0, 2), [['', 0, 25], ['current', 38, 100]]);
  const [line, from] = parts.at(-1);
  assert.deepEqual([line, from], ['now mark', 50]);
  assert.deepEqual(await page.locator('.axis span').allInnerTexts(), ['9 AM', '12 PM', '3 PM', '6 PM', '9 PM']);
});

test('a search finds a room by its code and number, with or without the space, and a building by its name', async t => {
  const page = await visit(t);
  const names = () => page.locator('.room .name').evaluateAll(names => names.map(name => name.textContent).sort());
  for (const [typed, expected] of /** @type {const} */ ([['cas 116', ['CAS 116']], ['CAS116', ['CAS 116']], ['tsai', ['CAS Tsai']], ['cgs 11', ['CGS 111A', 'CGS 111B', 'CGS 113', 'CGS 115', 'CGS 117A', 'CGS 117B']]])) {
    await page.getByRole('searchbox').fill(typed);
    await eventually(names, expected);
  }
  await page.getByRole('searchbox').fill('general studies');
  await eventually(async () => (await names()).length, 23);
  await page.getByRole('searchbox').fill('no such room');
  await eventually(() => page.locator('#rooms').innerText(), 'No rooms or buildings match “no such room”.');
});

test('a search for a room shows it even if it is taken', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['13:01', '13:59']]}, {name: '201', times: [['07:00', '23:00']]}])});
  await shown(page);
  assert.equal(await room(page, '116').isVisible(), false);
  await page.getByText('1 not free').click();
  await room(page, '116').waitFor();
  await page.goto(`${server.url}/app?q=116`);
  await headline(page, 'No rooms free now');
  assert.deepEqual(await answerOf(room(page, '116')), ['Free at 1:00 PM', '1 h']);
  assert.equal(await room(page, '116').isVisible(), true);
});

test('"For at least" moves rooms with too little free time to the others', async t => {
  const prepare = campusOf(day, [{name: '116', times: [['10:01', '11:19']]}, {name: '201', times: [['10:01', '11:18']]}]);
  const page = await visit(t, '', {prepare});
  await headline(page, '2 rooms free now');
  await page.getByLabel('For at least').selectOption('60');
  await headline(page, '1 room free now');
  assert.deepEqual(await freeRooms(page), ['CAS 116']);
  await page.locator('.rest summary').click();
  assert.deepEqual(await answerOf(room(page, '201')), ['Only until 11:19 AM', '59 min, then booked']);
});

test('a range whose end is not after its start gets a message and no rooms', async t => {
  const page = await visit(t, '?from=14:00&to=13:00');
  await shown(page);
  await headline(page, 'End time must be after start time');
  assert.equal(await page.locator('#rooms .empty').isVisible(), false);
  assert.deepEqual(await freeRooms(page), []);
});

test('a range may end at midnight, in a link and in the field', async t => {
  const page = await visit(t, `?date=${day}&from=20:00&to=24:00`);
  await headline(page, /free from 8:00.PM to midnight$/);
  assert.equal(await page.locator('#to').inputValue(), '00:00');
  await page.locator('#to').fill('22:00');
  await headline(page, /to 10:00.PM$/);
  await page.locator('#to').fill('00:00');
  await headline(page, /free from 8:00.PM to midnight$/);
  assert.match(page.url(), /&to=24:00$/);
});

test('rooms are sorted by name or by the length of their free time', async t => {
  const rooms = [{name: '1000', times: [['07:00', '12:00']]}, {name: '114A', times: [['07:00', '23:00']]}, {name: '99', times: [['07:00', '11:00']]}];
  const page = await visit(t, '', {prepare: campusOf(day, rooms)});
  await eventually(() => freeRooms(page), ['CAS 99', 'CAS 114A', 'CAS 1000']);
  await page.getByLabel('Sort by').selectOption('duration');
  await eventually(() => freeRooms(page), ['CAS 114A', 'CAS 1000', 'CAS 99']);
});

test('a link may have a building code in lower case, or one that does not exist', async t => {
  const page = await visit(t, '?building=cgs&q=cas');
  await eventually(() => page.locator('.empty p').innerText(), 'No rooms in cgs match “cas”.');
  await page.goto(`${server.url}/app?building=cgs`);
  await eventually(() => page.locator('#rooms h2').allInnerTexts(), ['College of General Studies']);
  await page.goto(`${server.url}/app?building=XYZ`);
  await eventually(() => page.locator('.empty p').innerText(), 'Building not found: XYZ.');
});

test('an update each minute does not reset a half-typed time', async t => {
  const page = await visit(t, '?at=14:00');
  await shown(page);
  await page.locator('#at').focus();
  await page.keyboard.press('Backspace');
  await page.clock.setFixedTime(instant(day, '10:21'));
  await eventually(() => page.locator('#moment').innerText(), /10:21/);
  assert.equal(await page.locator('#at').inputValue(), '');
  await page.keyboard.type('0330');
  await headline(page, /free at 3:30.PM$/);
});

test('another day is shown in full, without "Now"', async t => {
  const page = await visit(t);
  await shown(page);
  await page.getByRole('button', {name: 'Next day'}).click();
  await headline(page, /^\d+ rooms with free time$/);
  assert.equal(await page.getByLabel('Now', {exact: true}).isDisabled(), true);
  assert.equal(await page.locator('.bar .now').count(), 0);
  const {date} = await page.evaluate(() => Object.fromEntries(new URLSearchParams(location.search)));
  const {buildings} = await server.json(`/api/open-classrooms?date=${date}`);
  const withTime = Object.values(buildings).flatMap(({classrooms}) => classrooms).filter(({availability}) => availability.length);
  await headline(page, `${withTime.length} rooms with free time`);
  await page.getByRole('button', {name: 'Today'}).click();
  await headline(page, /free now$/);
  assert.equal(new URL(page.url()).search, '');
});

test('a day in the next month is shown, and a day without data gets a message', async t => {
  const page = await visit(t);
  await shown(page);
  const {date: today} = await server.json('/api/open-classrooms');
  const far = new Date(Date.parse(today) + 27 * 86_400_000).toISOString().slice(0, 10);
  await page.locator('#date').fill(far);
  await headline(page, /(with|has) free time$/);
  await page.locator('#date').fill('2099-01-01');
  await headline(page, 'Date not available');
  await eventually(() => page.locator('.empty p').innerText(), /^There’s no data for Thursday, January 1, 2099\. You can look about a month ahead\.$/);
  await page.getByRole('button', {name: 'Show today'}).click();
  await headline(page, /free now$/);
});

test('a date that does not exist gets a message', async t => {
  for (const date of ['2026-02-31', '2026-99-99']) {
    const page = await visit(t, `?date=${date}`);
    await headline(page, 'Invalid date');
    assert.equal(await page.locator('#moment').innerText(), date);
    assert.equal(await page.getByRole('button', {name: 'Next day'}).isDisabled(), true);
    await page.getByRole('button', {name: 'Show today'}).click();
    await headline(page, /free now$/);
  }
});

test('the URL holds the question, and a link restores it', async t => {
  const query = `?q=cas&date=${day}&from=14:00&to=15:30&min_minutes=90&sort=duration&building=CAS`;
  const page = await visit(t, query);
  await headline(page, /free from 2:00.PM to 3:30.PM$/);
  const form = await page.locator('#question').evaluate((/** @type {HTMLFormElement} */ form) =>
    ['q', 'date', 'from', 'to', 'min', 'sort'].map(id => form.elements[id].value));
  assert.deepEqual(form, ['cas', day, '14:00', '15:30', '90', 'duration']);
  assert.equal(await page.getByLabel('Between').isChecked(), true);
  await eventually(() => page.locator('#choose').innerText(), 'CAS');
  await page.getByLabel('For at least').selectOption('120');
  assert.equal(new URL(page.url()).search, query.replace('90', '120'));
});

test('back and forward step through the questions, not through each letter', async t => {
  const page = await visit(t);
  await shown(page);
  await page.getByText('All day', {exact: true}).click();
  await page.getByRole('searchbox').pressSequentially('cas 11');
  await page.getByText('At', {exact: true}).click();
  await headline(page, /free at 10:30.AM$/);
  await page.goBack();
  await headline(page, /with free time$/);
  assert.equal(await page.getByRole('searchbox').inputValue(), 'cas 11');
  await page.goBack();
  await headline(page, /free now$/);
  assert.equal(await page.getByRole('searchbox').inputValue(), '');
  await page.goForward();
  await headline(page, /with free time$/);
});

test('the remaining times update each minute, without a request', async t => {
  const page = await visit(t, '?min_minutes=1', {prepare: campusOf(day, [{name: '116', times: [['07:00', '10:59']]}])});
  await shown(page);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 11:00 AM', '40 min, then booked']);
  const requests = requestsOf(page);
  await page.clock.setFixedTime(instant(day, '10:21'));
  await eventually(() => answerOf(room(page, '116')), ['Free until 11:00 AM', '39 min, then booked']);
  await page.clock.setFixedTime(instant(day, '10:22'));
  await eventually(() => answerOf(room(page, '116')), ['Free until 11:00 AM', '38 min, then booked']);
  assert.deepEqual(requests, []);
});

test('at midnight the page moves on to the next day', async t => {
  const page = await visit(t, '', {time: '23:59'});
  await headline(page, 'No rooms free now');
  const asked = page.waitForRequest(request => request.url().includes('/api/open-classrooms') && !request.url().endsWith(day));
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  await page.clock.setFixedTime(instant(next, '00:01'));
  assert.equal((await asked).url(), `${server.url}/api/open-classrooms?date=${next}`);
  await eventually(() => page.locator('#date').inputValue(), next);
});

test('the data are requested again after five minutes, and unchanged data get a 304', async t => {
  const start = Date.now();
  const {date} = await server.json('/api/open-classrooms');
  const page = await open(t, browser, `${server.url}/app?date=${date}`, {prepare: page => page.clock.setFixedTime(start)});
  await shown(page);
  const statuses = [];
  const network = await page.context().newCDPSession(page);
  network.on('Network.responseReceivedExtraInfo', ({statusCode}) => statuses.push(statusCode));
  await network.send('Network.enable');
  const updated = await page.locator('#updated').innerText();
  await page.clock.setFixedTime(start + 4 * 60_000);
  await eventually(async () => await page.locator('#updated').innerText() !== updated, true);
  assert.deepEqual(statuses, []);
  await page.clock.setFixedTime(start + 5 * 60_000);
  await eventually(() => statuses[0], 304);
});

test('a new building is shown with its opening hours', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await headline(page, '1 room free now');
  const building = {code: 'NEW', name: 'New Hall', classrooms: [{id: '1', name: '1', status: 'ok', availability: [{start_time: '08:00', end_time: '11:59'}]}]};
  await page.route('**/api/open-classrooms*', route => route.fulfill({json: {buildings: {NEW: building}, last_updated: instant(day, '10:24'), date: day, timezone: ZONE, stale: false}}));
  await page.route('**/api/buildings', route => route.fulfill({json: campusFacts(day, {code: 'NEW', name: 'New Hall', opens: '08:00', closes: '20:00'})}));
  await page.clock.setFixedTime(instant(day, '10:25'));
  await eventually(() => page.locator('h2').first().innerText(), 'New Hall');
  assert.deepEqual(await answerOf(room(page, '1')), ['Free until 12:00 PM', '1 h 35 min, then booked']);
});

test('a tab that becomes visible again reloads the data', async t => {
  const page = await visit(t);
  await shown(page);
  const look = hidden => page.evaluate(hidden => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await look(true);
  await page.clock.setFixedTime(instant(day, '10:22'));
  const asked = page.waitForRequest('**/api/open-classrooms*');
  await look(false);
  await asked;
  await eventually(() => page.locator('#moment').innerText(), /10:22/);
});

test('after two quick changes of the day, a late first response is dropped', async t => {
  const page = await visit(t);
  await shown(page);
  let release;
  const slow = new Promise(resolve => { release = resolve; });
  await page.route('**/api/open-classrooms*', async route => { await slow; await route.fallback(); }, {times: 1});
  await page.getByRole('button', {name: 'Next day'}).click();
  await page.getByRole('button', {name: 'Next day'}).click();
  await headline(page, /(with|has) free time$/);
  const late = page.waitForResponse('**/api/open-classrooms*');
  const requests = requestsOf(page);
  release();
  await late;
  // The page makes no further requests after the late response. Five round trips give it the time for them.
  for (let turn = 0; turn < 5; turn += 1) await page.evaluate(() => fetch('api/last-updated').then(response => response.json()));
  assert.deepEqual(requests.filter(path => path !== '/api/last-updated'), []);
  assert.equal(await page.locator('#rooms').getAttribute('aria-busy'), 'false');
  assert.equal(await page.locator('#date').inputValue(), new Date(Date.parse(day) + 2 * 86_400_000).toISOString().slice(0, 10));
});

test('a browser in another time zone shows campus time, with a note', async t => {
  const here = await visit(t);
  await shown(here);
  assert.equal(await here.locator('#zone').isVisible(), false);
  const there = await visit(t, '', {timezoneId: 'Europe/Berlin'});
  await shown(there);
  assert.match(await there.locator('#moment').innerText(), /10:20.AM/);
  assert.match(await there.locator('#zone').innerText(), /^Times are campus time \(Eastern Time\)\. It’s [45]:20.PM where you are\.$/);
  assert.deepEqual(await freeRooms(there), await freeRooms(here));
});

test('the browser\'s locale decides between 12 and 24 hours, and the text stays English', async t => {
  for (const [locale, time, words] of /** @type {const} */ ([['en-US', /^2:00.PM$/, /^\w+, \w+ \d+ · 10:20.AM$/], ['en-GB', /^14:00$/, /^\w+,? \d+ \w+ · 10:20$/], ['de-DE', /^14:00$/, /^\w+,? \d+ \w+ · 10:20$/]])) {
    const page = await visit(t, '?at=14:00', {locale});
    await eventually(async () => (await page.locator('h1').innerText()).split(' at ')[1], time);
    await eventually(() => page.locator('#moment').innerText(), words);
  }
});

test('unknown, stale and unbooked rooms each have a note', async t => {
  const page = await visit(t, '?q=cas', {prepare: campusOf(day, [
    {name: '116', status: 'unknown'}, {name: '201', status: 'stale', times: [['07:00', '12:00']]}, {name: '203', times: [['07:00', '23:00']]}])});
  await headline(page, '2 rooms free now');
  const text = name => room(page, name).innerText().then(text => text.replaceAll(/\s+/g, ' '));
  assert.match(await text('116'), /Unknown Couldn’t check this room’s bookings\.$/);
  assert.match(await text('201'), /These bookings may be out of date\.$/);
  assert.match(await text('203'), /No bookings all day, so it may be locked\.$/);
  await eventually(() => page.locator('.rest summary').innerText(), '1 unknown');
});

test('the rooms of a closed building are shown as closed, neither free nor booked', async t => {
  const closed = campusOf(day, [{name: '116'}, {name: '201', status: 'unknown'}], {building: {opens: null, closes: null}});
  const page = await visit(t, '?q=cas', {prepare: closed});
  await headline(page, 'No rooms free now');
  assert.equal(await page.locator('.head .count').innerText(), 'Closed');
  assert.match(await page.locator('.head .hours').innerText(), /^CAS · closed today$/);
  assert.equal(await page.locator('.rest summary').innerText(), '2 closed');
  for (const name of ['116', '201']) assert.deepEqual(await answerOf(room(page, name)), ['Closed']);
});

test('the opening hours are those of the shown day', async t => {
  const short = campusOf(day, [{name: '116', times: [['09:00', '13:00']]}], {building: {opens: '09:00', closes: '13:00'}});
  const page = await visit(t, '', {prepare: short});
  await headline(page, '1 room free now');
  assert.match((await page.locator('.head .hours').innerText()).replaceAll(/\s/g, ' '), /open 9:00 AM – 1:00 PM$/);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 1:00 PM', '2 h 40 min, then closed']);
});

test('rooms are filtered by size and features, sorted by size, and the choices are in the URL', async t => {
  const all = [['07:00', '23:00']];
  const page = await visit(t, '', {prepare: campusOf(day, [
    {name: '116', times: all, capacity: 40, features: ['IT: Network, Wired', 'Projector']}, {name: '201', times: all, capacity: 120, features: ['Projector']},
    {name: '203', times: all}])});
  await headline(page, '3 rooms free now');
  assert.deepEqual(await freeRooms(page), ['CAS 116', 'CAS 201', 'CAS 203']);
  assert.deepEqual((await page.locator('.facts').allInnerTexts()).map(text => text.replace(/\s/, ' ')), ['40 seats', '120 seats', '']);
  await page.locator('#sort').selectOption('capacity');
  assert.deepEqual(await freeRooms(page), ['CAS 201', 'CAS 116', 'CAS 203']);
  await page.locator('#capacity').selectOption('80');
  await headline(page, '1 room free now');
  await page.locator('#capacity').selectOption('20');
  await page.locator('#feature').selectOption('IT: Network, Wired');
  await headline(page, '1 room free now');
  assert.deepEqual(await freeRooms(page), ['CAS 116']);
  const query = new URL(page.url()).searchParams;
  assert.deepEqual([query.get('min_capacity'), query.getAll('feature'), query.get('sort')], ['20', ['IT: Network, Wired'], 'capacity']);
  await page.reload();
  await headline(page, '1 room free now');
  await page.locator('#capacity').selectOption('150');
  await eventually(() => page.locator('.empty').innerText(), 'No rooms with 150+ seats and IT: Network, Wired.');
});

test('the filters for capacity and features are hidden if the campus file has neither', async t => {
  const page = await visit(t);
  await shown(page);
  for (const filter of ['#seats', '#equipment']) assert.equal(await page.locator(filter).isVisible(), false);
});

test('the page shows how many rooms are known while some are not, and the contact', async t => {
  const rooms = Array.from({length: 1500}, (_, index) => index < 612 ? {name: String(index), times: [['07:00', '23:00']]} : {name: String(index), status: 'unknown'});
  const page = await visit(t, '', {prepare: campusOf(day, rooms, {facts: {contact: 'https://example.edu/rooms'}})});
  await headline(page, '612 rooms free now');
  assert.match(await page.locator('#notice').innerText(), /^Bookings loaded for 612 of 1,500 rooms so far\.$/);
  const contact = page.getByRole('link', {name: 'example.edu/rooms'});
  assert.equal(await contact.getAttribute('href'), 'https://example.edu/rooms');
});

test('during a sweep the page polls every 15 seconds, and shows further rooms', async t => {
  const rooms = status => [{name: '116', times: [['07:00', '23:00']]}, {name: '201', status, times: status === 'ok' ? [['07:00', '23:00']] : []}];
  const swept = {last_updated: instant(day, '10:19:50').toISOString()};
  const page = await visit(t, '', {prepare: campusOf(day, rooms('unknown'), swept)});
  await headline(page, '1 room free now');
  await campusOf(day, rooms('ok'), swept)(page);
  await page.clock.setFixedTime(instant(day, '10:20:14'));
  const asked = requestsOf(page);
  await new Promise(resolve => setTimeout(resolve, 1500));
  assert.deepEqual(asked, []);
  await page.clock.setFixedTime(instant(day, '10:20:16'));
  await headline(page, '2 rooms free now');
  assert.equal(await page.locator('#notice').innerText(), '');
});

test('the footer explains the limits of the data', async t => {
  const page = await visit(t);
  const notes = await page.getByRole('contentinfo').innerText();
  for (const note of ['Only official bookings', 'Rooms can be locked', 'no bookings all day is often locked', 'It may still be free'])
    assert.ok(notes.includes(note), note);
});

test('names never become markup', async t => {
  const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  const page = await visit(t, '', {prepare: campusOf(day, [{name: hostile, times: [['07:00', '23:00']]}], {name: hostile})});
  await headline(page, '1 room free now');
  assert.deepEqual(await freeRooms(page), [`CAS ${hostile}`]);
  assert.equal(await page.locator('h2').first().innerText(), hostile);
  assert.equal(await page.locator('#rooms img, #rooms script').count(), 0);
});

test('the policy blocks injected scripts', async t => {
  const page = await visit(t, '', {refuses: true});
  await shown(page);
  const add = () => page.evaluate(() => document.body.append(Object.assign(document.createElement('script'), {textContent: '1'})));
  await assert.rejects(add, /TypeError/);
});

test('the page works behind a path prefix', async t => {
  for (const prefix of ['/stage/rooms', '/webapp/rooms', '/app']) {
    const page = await visit(t, '', {path: `${prefix}/app`, prepare: async page => {
      await page.route('**/*', route => route.abort());
      await page.route(`**${prefix}/**`, async route => {
        const response = await route.fetch({url: route.request().url().replace(prefix, '')});
        const {date, ...headers} = response.headers();
        await route.fulfill({response, headers});
      });
    }});
    await headline(page, /^\d+ rooms free now$/);
  }
});

/** Returns the message and the buttons for a list without a free room. */
const offers = page => page.locator('.empty').evaluate(empty => [...empty.children].map(part => part.textContent.replaceAll('\u00a0', ' ')));
const next = date => new Date(Date.parse(date) + 86_400_000).toISOString().slice(0, 10);

test('when no room is free the page names the next one, and a tap lists the rooms that become free', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['10:28', '12:00']]}, {name: '201', times: [['10:41', '12:00']]}])});
  await headline(page, 'No rooms free now');
  assert.deepEqual(await offers(page), ['Next free: CAS 116 at 10:27 AM, in 7 min.', 'Show rooms free later']);
  assert.match(await page.locator('.rest summary').innerText(), /^2 not free · next in 7.min$/);
  await page.getByRole('button', {name: 'Show rooms free later'}).click();
  assert.deepEqual(await freeRooms(page), ['CAS 116', 'CAS 201']);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free in 7 min', '1 h 34 min']);
});

test('before opening time the page shows when the building opens', async t => {
  const page = await visit(t, '', {time: '05:30', prepare: campusOf(day, [{name: '116', times: [['07:00', '12:00']]}])});
  await headline(page, 'No rooms free now');
  assert.deepEqual((await offers(page))[0], 'College of Arts & Sciences opens at 7:00 AM.');
  assert.match(await page.locator('.head .hours').innerText(), /closed now · open/);
});

test('when no more rooms become free today the page offers tomorrow, and names its first free room', async t => {
  const prepare = async page => {
    const tomorrow = next(day);
    await campusOf(day, [{name: '116', times: [['07:00', '09:00']]}, {name: '201'}])(page);
    await page.route(`**/api/open-classrooms?date=${tomorrow}`, async route => {
      const classrooms = [{id: '116', name: '116', status: 'ok', availability: [{start_time: '12:00', end_time: '14:00'}]}, {id: '201', name: '201', status: 'ok', availability: [{start_time: '08:01', end_time: '09:00'}]}];
      const buildings = {CAS: {code: 'CAS', name: 'College of Arts & Sciences', opens: '07:00', closes: '23:00', classrooms}};
      await route.fulfill({json: {buildings, last_updated: instant(day, '06:00'), date: tomorrow, timezone: ZONE, stale: false}});
    });
  };
  const page = await visit(t, '', {prepare});
  await headline(page, 'No rooms free now');
  await eventually(() => offers(page), ['No more rooms free up today.', 'First free tomorrow: CAS 201 at 8:00 AM.', 'Show tomorrow']);
  await page.getByRole('button', {name: 'Show tomorrow'}).click();
  await headline(page, '2 rooms with free time');
  assert.equal(new URL(page.url()).searchParams.get('date'), next(day));
});

test('rooms that are free for less than half an hour are counted, and shown on a tap', async t => {
  const page = await visit(t, '', {time: '22:48', prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await headline(page, /^No rooms free now for 30.min$/);
  assert.equal((await offers(page))[0], '1 room is free for less than 30 min.');
  assert.equal(await page.locator('.head .count').evaluate(count => getComputedStyle(count).color === getComputedStyle(count.nextElementSibling).color), true, 'a count of zero must not be green');
  await page.getByRole('button', {name: 'Show anyway'}).click();
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 11:00 PM', '12 min, then closed']);
});

test('rooms that are not free are sorted by when they become free', async t => {
  const page = await visit(t, '?q=cas', {prepare: campusOf(day, [
    {name: '116', times: [['18:01', '23:00']]}, {name: '201'}, {name: '203', times: [['11:01', '12:00']]}, {name: '204', status: 'unknown'}])});
  await headline(page, 'No rooms free now');
  assert.deepEqual(await page.locator('ul.others .name').allTextContents(), ['CAS 203', 'CAS 116', 'CAS 201', 'CAS 204']);
});

test('"All day" starts now if the day is today', async t => {
  const page = await visit(t, '?when=day', {prepare: campusOf(day, [{name: '116', times: [['07:00', '10:59'], ['15:01', '16:29']]}, {name: '201', times: [['07:00', '09:59']]}])});
  await headline(page, '1 room with free time');
  assert.deepEqual(await answerOf(room(page, '116')), ['3:00 PM – 4:30 PM', '1 h 30 min, then booked']);
});

test('the arrows stop at the first and last day with data', async t => {
  const page = await visit(t);
  await shown(page);
  const arrow = name => page.getByRole('button', {name});
  assert.deepEqual([await arrow('Previous day').isDisabled(), await arrow('Next day').isDisabled()], [true, false]);
  const last = await page.locator('#date').getAttribute('max');
  await server.json(`/api/open-classrooms?date=${last}`);
  await page.locator('#date').fill(last);
  await headline(page, /(with|has) free time$/);
  assert.deepEqual([await arrow('Previous day').isDisabled(), await arrow('Next day').isDisabled()], [false, true]);
});

test('simulated bookings are marked, real ones are not', async t => {
  const page = await visit(t);
  await shown(page);
  assert.equal(await page.locator('#simulated').innerText(), 'Simulated data. These bookings aren’t real.');
  const real = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await shown(real);
  assert.equal(await real.locator('#simulated').isVisible(), false);
});

test('the title and the header contain the campus\'s name', async t => {
  const page = await visit(t);
  await headline(page, /free now$/);
  assert.match(await page.title(), /free now · Boston University$/);
  assert.equal(await page.locator('#home').innerText(), 'Boston University');
});

test('a wrong device clock is corrected by the Date and Age headers, with a note', async t => {
  const slow = new Date(instant(day, '10:20').getTime() - 12 * 60_000);
  const dated = async page => {
    await campusOf(day, [{name: '116', times: [['07:00', '10:59']]}])(page);
    await page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: false, remaining_minutes: 0}, headers: {Date: instant(day, '10:18').toUTCString(), Age: '120'}}));
  };
  const page = await open(t, browser, `${server.url}/app`, {now: slow, prepare: dated});
  await eventually(() => page.locator('#moment').innerText(), /10:20.AM$/);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 11:00 AM', '40 min, then booked']);
  assert.match(await page.locator('#zone').innerText(), /^Your device’s clock is 12.min slow\. Times on this page are correct\.$/);
});

test('offline after midnight the page offers the last day with data', async t => {
  const page = await visit(t, '', {time: '23:50'});
  await headline(page, 'No rooms free now');
  await goOffline(page);
  await page.clock.setFixedTime(instant(next(day), '00:10'));
  await headline(page, 'You’re offline');
  await page.getByRole('button', {name: /^Show \w+day, /}).click();
  await headline(page, /(with|has) free time$/);
  await eventually(() => page.locator('#notice').innerText(), /^You’re offline\. Last updated on /);
});

test('when the campus is closed the page shows when it opens, with a button for that day', async t => {
  const open = new Date(Date.parse(day) + 3 * 86_400_000).toISOString().slice(0, 10);
  const page = await visit(t, '', {prepare: async page => {
    await campusOf(day, [{name: '116'}], {building: {opens: null, closes: null}})(page);
    const days = [0, 1, 2, 3].map(index => new Date(Date.parse(day) + index * 86_400_000).toISOString().slice(0, 10))
      .map(date => ({date, status: 'ok', opens: date === open ? '08:00' : null, closes: date === open ? '20:00' : null, last_updated: null, availability: []}));
    await page.route('**/api/classrooms/116/days', route => route.fulfill({json: {id: '116', name: '116', building_code: 'CAS', timezone: ZONE, days}}));
  }});
  await headline(page, 'No rooms free now');
  await eventually(async () => (await offers(page))[1], /^College of Arts & Sciences opens on \w+day, .* at 8:00 AM\.$/);
  await page.getByRole('button', {name: /^Show \w+day, /}).click();
  assert.equal(new URL(page.url()).searchParams.get('date'), open);
});
