// What the page says about rooms: which are free, until when, on which day, and to which question.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {campusFacts, campusOf, eventually, freeRooms, goOffline, headline, instant, launch, open, Server, showMore, shown, ZONE} from './support.js';

let server, browser, day;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  day = await server.weekday();
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** The page as it is on that weekday, at a time of the campus.
    @type {(t: any, query?: string, options?: import('./support.js').Options & {time?: string, path?: string}) => Promise<import('./support.js').Page>} */
const visit = (t, query = '', {time = '10:20', path = '/app', ...options} = {}) =>
  open(t, browser, server.url + path + query, {now: instant(day, time), ...options});

const answerOf = room => room.locator('.answer').evaluate(answer => [...answer.children].map(part => part.textContent.replaceAll('\u00a0', ' ')).filter(Boolean));
const room = (page, name) => page.locator('.room').filter({has: page.locator('.name', {hasText: new RegExp(`${name}$`)})});

/** The paths that the page asks for from now on. */
function requestsOf(page) {
  const paths = [];
  page.on('request', request => paths.push(new URL(request.url()).pathname));
  return paths;
}

/** Rooms and what is said of them, in the order in which they are shown: by the page … */
async function freeOnPage(page) {
  await showMore(page);
  return page.locator('ul.free .room').evaluateAll(rooms => rooms.map(room => {
    const [name, answer] = room.children;
    return [name, ...answer.childNodes].map(node => node.textContent).join(' ').replaceAll('\u00a0', ' ').replace(/, then \w+$/, '');
  }));
}

/** … and by the API. */
async function freeByApi(query) {
  const {buildings} = await server.json(`/api/open-classrooms?${query}`);
  return Object.values(buildings).flatMap(({code, classrooms}) => classrooms.map(({name, free_until, free_minutes}) =>
    `${code} ${name} Free until ${Number(free_until.slice(11, 13))}${free_until.slice(13, 16)} ${lengthOf(free_minutes)}`));
}

const lengthOf = minutes => [[Math.floor(minutes / 60), 'h'], [minutes % 60, 'min']].filter(([number]) => number).map(part => part.join(' ')).join(' ');

test('what the page works out is what the API answers to the same question', async t => {
  const page = await visit(t, '', {locale: 'en-GB'});
  for (const query of ['at=07:00', 'at=09:55', 'at=10:05', 'at=12:30', 'at=17:59', 'at=21:29', 'at=21:30', 'at=22:59', 'at=23:00', 'at=06:59',
    'from=09:00&to=10:00', 'from=13:15&to=16:45', 'at=11:00&min_minutes=90', 'from=10:00&to=11:00&min_minutes=120',
    'at=13:00&q=cas+2', 'at=13:00&q=General', 'at=13:00&building=CGS', 'at=14:00&sort=duration&min_minutes=30&q=3']) {
    const question = `date=${day}${query.includes('min_minutes') ? '' : '&min_minutes=1'}&${query}`;
    await page.goto(`${server.url}/app?${question}`);
    await shown(page);
    const expected = await freeByApi(question.includes('sort') ? question : `${question}&sort=name`);
    // Rooms that are free equally long stand in the order of their names on the page, and in the campus's in the API.
    const sorted = rooms => question.includes('sort') ? rooms.toSorted() : rooms;
    assert.deepEqual(sorted(await freeOnPage(page)), sorted(expected), query);
  }
});

test('the rooms that are free now are those of the API', async t => {
  const page = await visit(t, '?min_minutes=1', {time: '12:40', locale: 'en-GB'});
  await headline(page, /free now$/);
  assert.deepEqual(await freeOnPage(page), await freeByApi(`date=${day}&at=12:40&sort=name`));
});

test('rooms with free time at any time of the day are those of the API', async t => {
  const page = await visit(t, `?date=${day}&when=day&min_minutes=240`, {time: '00:10'});
  await headline(page, /with free time$/);
  const {buildings} = await server.json(`/api/open-classrooms?date=${day}&min_minutes=240&sort=name`);
  const expected = Object.values(buildings).flatMap(({code, classrooms}) => classrooms.map(({name}) => `${code} ${name}`));
  assert.ok(expected.length > 0);
  assert.deepEqual(await freeRooms(page), expected);
});

test('a room is free from the end of a booking until the beginning of the next, that minute not included', async t => {
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
    ['23:00', ['Not free again']],
  ])) {
    const page = await visit(t, '?q=116&min_minutes=1', {time, prepare});
    await shown(page);
    assert.deepEqual(await answerOf(room(page, '116')), expected, time);
  }
});

test('the day of a room is a picture, and words for those who do not see it', async t => {
  const page = await visit(t, '', {time: '15:00', prepare: campusOf(day, [{name: '116', times: [['07:00', '10:59'], ['13:01', '23:00']]}])});
  const bar = room(page, '116').getByRole('img');
  await eventually(() => bar.getAttribute('aria-label'), /^Open 7:00.AM to 11:00.PM\. Free 7:00.AM to 11:00.AM and 1:00.PM to 11:00.PM\.$/);
  const parts = await bar.evaluate(bar => {
    const whole = bar.getBoundingClientRect(), part = x => Math.round(100 * (x - whole.left) / whole.width);
    return [...bar.children].map(node => [node.className, part(node.getBoundingClientRect().left), part(node.getBoundingClientRect().right)]);
  });
  // Sixteen hours are the whole: four of them 25 %.
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
  await eventually(() => page.locator('#rooms').innerText(), 'No room or building is called “no such room”.');
});

test('a search for a room shows it, taken or not', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['13:01', '13:59']]}, {name: '201', times: [['07:00', '23:00']]}])});
  await shown(page);
  assert.equal(await room(page, '116').isVisible(), false);
  await page.getByText('1 not free').click();
  await room(page, '116').waitFor();
  await page.goto(`${server.url}/app?q=116`);
  await headline(page, 'No room is free now');
  assert.deepEqual(await answerOf(room(page, '116')), ['Free at 1:00 PM', '1 h']);
  assert.equal(await room(page, '116').isVisible(), true);
});

test('"for at least" leaves out what is too short', async t => {
  const prepare = campusOf(day, [{name: '116', times: [['10:01', '11:19']]}, {name: '201', times: [['10:01', '11:18']]}]);
  const page = await visit(t, '', {prepare});
  await headline(page, '2 rooms free now');
  await page.getByLabel('For at least').selectOption('60');
  await headline(page, '1 room free now');
  assert.deepEqual(await freeRooms(page), ['CAS 116']);
  await page.locator('.rest summary').click();
  assert.deepEqual(await answerOf(room(page, '201')), ['Only until 11:19 AM', '59 min, then booked']);
});

test('the end of a range should be after its beginning', async t => {
  const page = await visit(t, '?from=14:00&to=13:00');
  await shown(page);
  await headline(page, 'The end must be after the start');
  assert.equal(await page.locator('#rooms .empty').isVisible(), false);
  assert.deepEqual(await freeRooms(page), []);
});

test('a range may end with the day, in a link and in the field', async t => {
  const page = await visit(t, `?date=${day}&from=20:00&to=24:00`);
  await headline(page, /free 8:00.PM to midnight$/);
  assert.equal(await page.locator('#to').inputValue(), '00:00');
  await page.locator('#to').fill('22:00');
  await headline(page, /to 10:00.PM$/);
  await page.locator('#to').fill('00:00');
  await headline(page, /free 8:00.PM to midnight$/);
  assert.match(page.url(), /&to=24:00$/);
});

test('rooms are sorted by name, or by how long they are free', async t => {
  const rooms = [{name: '1000', times: [['07:00', '12:00']]}, {name: '114A', times: [['07:00', '23:00']]}, {name: '99', times: [['07:00', '11:00']]}];
  const page = await visit(t, '', {prepare: campusOf(day, rooms)});
  await eventually(() => freeRooms(page), ['CAS 99', 'CAS 114A', 'CAS 1000']);
  await page.getByLabel('Sort by').selectOption('duration');
  await eventually(() => freeRooms(page), ['CAS 114A', 'CAS 1000', 'CAS 99']);
});

test('a link may name a building in small letters, and one that there is not', async t => {
  const page = await visit(t, '?building=cgs&q=cas');
  await eventually(() => page.locator('.empty p').innerText(), 'No room in cgs is called “cas”.');
  await page.goto(`${server.url}/app?building=cgs`);
  await eventually(() => page.locator('#rooms h2').allInnerTexts(), ['College of General Studies']);
  await page.goto(`${server.url}/app?building=XYZ`);
  await eventually(() => page.locator('.empty p').innerText(), 'There is no building XYZ.');
});

test('the minute that passes does not disturb a time that is half filled in', async t => {
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

test('another day is shown whole, with nothing of now', async t => {
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

test('a day of next month is shown, and a day that is not kept gets a message', async t => {
  const page = await visit(t);
  await shown(page);
  const {date: today} = await server.json('/api/open-classrooms');
  const far = new Date(Date.parse(today) + 27 * 86_400_000).toISOString().slice(0, 10);
  await page.locator('#date').fill(far);
  await headline(page, /(with|has) free time$/);
  await page.locator('#date').fill('2099-01-01');
  await headline(page, 'No bookings kept');
  await eventually(() => page.locator('.empty p').innerText(), /^There are no bookings for Thursday, January 1, 2099\. They are known about a month ahead\.$/);
  await page.getByRole('button', {name: 'Show today'}).click();
  await headline(page, /free now$/);
});

test('a date that does not exist gets a message', async t => {
  for (const date of ['2026-02-31', '2026-99-99']) {
    const page = await visit(t, `?date=${date}`);
    await headline(page, 'No such day');
    assert.equal(await page.locator('#moment').innerText(), date);
    assert.equal(await page.getByRole('button', {name: 'Next day'}).isDisabled(), true);
    await page.getByRole('button', {name: 'Show today'}).click();
    await headline(page, /free now$/);
  }
});

test('the URL holds the question, and a link brings it back', async t => {
  const query = `?q=cas&date=${day}&from=14:00&to=15:30&min_minutes=90&sort=duration&building=CAS`;
  const page = await visit(t, query);
  await headline(page, /free 2:00.PM to 3:30.PM$/);
  const form = await page.locator('#question').evaluate((/** @type {HTMLFormElement} */ form) =>
    ['q', 'date', 'from', 'to', 'min', 'sort'].map(id => form.elements[id].value));
  assert.deepEqual(form, ['cas', day, '14:00', '15:30', '90', 'duration']);
  assert.equal(await page.getByLabel('From–to').isChecked(), true);
  await eventually(() => page.locator('#choose').innerText(), 'CAS');
  await page.getByLabel('For at least').selectOption('120');
  assert.equal(new URL(page.url()).search, query.replace('90', '120'));
});

test('back and forward lead through the questions, and not through each letter', async t => {
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

test('the numbers move on each minute, without a request', async t => {
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

test('at midnight the next day comes by itself', async t => {
  const page = await visit(t, '', {time: '23:59'});
  await headline(page, 'No room is free now');
  const asked = page.waitForRequest(request => request.url().includes('/api/open-classrooms') && !request.url().endsWith(day));
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
  await page.clock.setFixedTime(instant(next, '00:01'));
  assert.equal((await asked).url(), `${server.url}/api/open-classrooms?date=${next}`);
  await eventually(() => page.locator('#date').inputValue(), next);
});

test('after five minutes the data are asked for again, and not sent if they are the same', async t => {
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

test('a building that is new is shown with its hours', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await headline(page, '1 room free now');
  const building = {code: 'NEW', name: 'New Hall', classrooms: [{id: '1', name: '1', status: 'ok', availability: [{start_time: '08:00', end_time: '11:59'}]}]};
  await page.route('**/api/open-classrooms*', route => route.fulfill({json: {buildings: {NEW: building}, last_updated: instant(day, '10:24'), date: day, timezone: ZONE, stale: false}}));
  await page.route('**/api/buildings', route => route.fulfill({json: campusFacts(day, {code: 'NEW', name: 'New Hall', opens: '08:00', closes: '20:00'})}));
  await page.clock.setFixedTime(instant(day, '10:25'));
  await eventually(() => page.locator('h2').first().innerText(), 'New Hall');
  assert.deepEqual(await answerOf(room(page, '1')), ['Free until 12:00 PM', '1 h 35 min, then booked']);
});

test('a page that is looked at again asks for the data', async t => {
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

test('of two days asked for one after the other the later is shown, whichever comes first', async t => {
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
  // The late answer is dropped, so the page need not ask again.
  for (let turn = 0; turn < 5; turn += 1) await page.evaluate(() => fetch('api/last-updated').then(response => response.json()));
  assert.deepEqual(requests.filter(path => path !== '/api/last-updated'), []);
  assert.equal(await page.locator('#rooms').getAttribute('aria-busy'), 'false');
  assert.equal(await page.locator('#date').inputValue(), new Date(Date.parse(day) + 2 * 86_400_000).toISOString().slice(0, 10));
});

test('a browser elsewhere shows the time of the campus, and says so', async t => {
  const here = await visit(t);
  await shown(here);
  assert.equal(await here.locator('#zone').isVisible(), false);
  const there = await visit(t, '', {timezoneId: 'Europe/Berlin'});
  await shown(there);
  assert.match(await there.locator('#moment').innerText(), /10:20.AM/);
  assert.match(await there.locator('#zone').innerText(), /^Campus time, Eastern Time\. Your time is [45]:20.PM\.$/);
  assert.deepEqual(await freeRooms(there), await freeRooms(here));
});

test('the browser\'s habit decides between 12 and 24 hours, and the words stay English', async t => {
  for (const [locale, time, words] of /** @type {const} */ ([['en-US', /^2:00.PM$/, /^\w+, \w+ \d+ · 10:20.AM$/], ['en-GB', /^14:00$/, /^\w+,? \d+ \w+ · 10:20$/], ['de-DE', /^14:00$/, /^\w+,? \d+ \w+ · 10:20$/]])) {
    const page = await visit(t, '?at=14:00', {locale});
    await eventually(async () => (await page.locator('h1').innerText()).split(' at ')[1], time);
    await eventually(() => page.locator('#moment').innerText(), words);
  }
});

test('a room that was not answered for is unknown, one with older data says so, one without a booking may be locked', async t => {
  const page = await visit(t, '?q=cas', {prepare: campusOf(day, [
    {name: '116', status: 'unknown'}, {name: '201', status: 'stale', times: [['07:00', '12:00']]}, {name: '203', times: [['07:00', '23:00']]}])});
  await headline(page, '2 rooms free now');
  const text = name => room(page, name).innerText().then(text => text.replaceAll(/\s+/g, ' '));
  assert.match(await text('116'), /Unknown 25Live gave no answer for this room\.$/);
  assert.match(await text('201'), /Older data: the latest answer is missing\.$/);
  assert.match(await text('203'), /No booking all day: the room may be locked\.$/);
  await eventually(() => page.locator('.rest summary').innerText(), '1 unknown');
});

test('a building that is closed on a day shows as closed, and its rooms neither as free nor as booked', async t => {
  const closed = campusOf(day, [{name: '116'}, {name: '201', status: 'unknown'}], {building: {opens: null, closes: null}});
  const page = await visit(t, '?q=cas', {prepare: closed});
  await headline(page, 'No room is free now');
  assert.equal(await page.locator('.head .count').innerText(), 'Closed');
  assert.match(await page.locator('.head .hours').innerText(), /^CAS · closed today$/);
  assert.equal(await page.locator('.rest summary').innerText(), '2 closed');
  for (const name of ['116', '201']) assert.deepEqual(await answerOf(room(page, name)), ['Closed']);
});

test('the opening hours shown are those of the day', async t => {
  const short = campusOf(day, [{name: '116', times: [['09:00', '13:00']]}], {building: {opens: '09:00', closes: '13:00'}});
  const page = await visit(t, '', {prepare: short});
  await headline(page, '1 room free now');
  assert.match((await page.locator('.head .hours').innerText()).replaceAll(/\s/g, ' '), /open 9:00 AM – 1:00 PM$/);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 1:00 PM', '2 h 40 min, then closed']);
});

test('rooms are filtered by size and features, sorted by size, and the choice is in the address', async t => {
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
  await eventually(() => page.locator('.empty').innerText(), 'No room with 150 seats or more and IT: Network, Wired is known.');
});

test('a campus file without capacities and features gets no such filters', async t => {
  const page = await visit(t);
  await shown(page);
  for (const filter of ['#seats', '#equipment']) assert.equal(await page.locator(filter).isVisible(), false);
});

test('the page states how many rooms are known as long as some are not, and names the contact', async t => {
  const rooms = Array.from({length: 1500}, (_, index) => index < 612 ? {name: String(index), times: [['07:00', '23:00']]} : {name: String(index), status: 'unknown'});
  const page = await visit(t, '', {prepare: campusOf(day, rooms, {facts: {contact: 'https://example.edu/rooms'}})});
  await headline(page, '612 rooms free now');
  assert.match(await page.locator('#notice').innerText(), /^612 of 1,500 rooms are known so far\. 25Live gave no answer for the others\.$/);
  const contact = page.getByRole('link', {name: 'example.edu/rooms'});
  assert.equal(await contact.getAttribute('href'), 'https://example.edu/rooms');
});

test('while a sweep goes on the page asks every 15 seconds, and learns the other rooms', async t => {
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

test('what the page cannot know is said on it', async t => {
  const page = await visit(t);
  const notes = await page.getByRole('contentinfo').innerText();
  for (const note of ['only official bookings', 'Rooms can be locked', 'without a booking all day is often locked', 'It does not mean that the room is taken'])
    assert.ok(notes.includes(note), note);
});

test('names are texts, whatever they hold', async t => {
  const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  const page = await visit(t, '', {prepare: campusOf(day, [{name: hostile, times: [['07:00', '23:00']]}], {name: hostile})});
  await headline(page, '1 room free now');
  assert.deepEqual(await freeRooms(page), [`CAS ${hostile}`]);
  assert.equal(await page.locator('h2').first().innerText(), hostile);
  assert.equal(await page.locator('#rooms img, #rooms script').count(), 0);
});

test('no other script runs', async t => {
  const page = await visit(t, '', {refuses: true});
  await shown(page);
  const add = () => page.evaluate(() => document.body.append(Object.assign(document.createElement('script'), {textContent: '1'})));
  await assert.rejects(add, /TypeError/);
});

test('it works behind a path of its own', async t => {
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

/** What the page says and offers where no room is free. */
const offers = page => page.locator('.empty').evaluate(empty => [...empty.children].map(part => part.textContent.replaceAll('\u00a0', ' ')));
const next = date => new Date(Date.parse(date) + 86_400_000).toISOString().slice(0, 10);

test('when no room is free the page names the next one, and lists the rooms that become free on a tap', async t => {
  const page = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['10:28', '12:00']]}, {name: '201', times: [['10:41', '12:00']]}])});
  await headline(page, 'No room is free now');
  assert.deepEqual(await offers(page), ['The next room is CAS 116, free at 10:27 AM, 7 min from now.', 'Show rooms that become free']);
  assert.match(await page.locator('.rest summary').innerText(), /^2 not free · next in 7.min$/);
  await page.getByRole('button', {name: 'Show rooms that become free'}).click();
  assert.deepEqual(await freeRooms(page), ['CAS 116', 'CAS 201']);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free in 7 min', '1 h 34 min']);
});

test('before opening time the page says when the building opens', async t => {
  const page = await visit(t, '', {time: '05:30', prepare: campusOf(day, [{name: '116', times: [['07:00', '12:00']]}])});
  await headline(page, 'No room is free now');
  assert.deepEqual((await offers(page))[0], 'College of Arts & Sciences opens at 7:00 AM.');
  assert.match(await page.locator('.head .hours').innerText(), /closed now · open/);
});

test('when nothing becomes free today the page offers tomorrow, and names its first room', async t => {
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
  await headline(page, 'No room is free now');
  await eventually(() => offers(page), ['No room becomes free again today.', 'Tomorrow: CAS 201 from 8:00 AM.', 'Show tomorrow']);
  await page.getByRole('button', {name: 'Show tomorrow'}).click();
  await headline(page, '2 rooms with free time');
  assert.equal(new URL(page.url()).searchParams.get('date'), next(day));
});

test('rooms that are free for less than half an hour are counted, and shown on a tap', async t => {
  const page = await visit(t, '', {time: '22:48', prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await headline(page, /^No room is free now for 30.min$/);
  assert.equal((await offers(page))[0], '1 room is free for less than 30 min.');
  assert.equal(await page.locator('.head .count').evaluate(count => getComputedStyle(count).color === getComputedStyle(count.nextElementSibling).color), true, 'nothing free is not green');
  await page.getByRole('button', {name: 'Show them'}).click();
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 11:00 PM', '12 min, then closed']);
});

test('rooms that are not free stand in the order in which they become free', async t => {
  const page = await visit(t, '?q=cas', {prepare: campusOf(day, [
    {name: '116', times: [['18:01', '23:00']]}, {name: '201'}, {name: '203', times: [['11:01', '12:00']]}, {name: '204', status: 'unknown'}])});
  await headline(page, 'No room is free now');
  assert.deepEqual(await page.locator('ul.others .name').allTextContents(), ['CAS 203', 'CAS 116', 'CAS 201', 'CAS 204']);
});

test('all day of today begins now', async t => {
  const page = await visit(t, '?when=day', {prepare: campusOf(day, [{name: '116', times: [['07:00', '10:59'], ['15:01', '16:29']]}, {name: '201', times: [['07:00', '09:59']]}])});
  await headline(page, '1 room with free time');
  assert.deepEqual(await answerOf(room(page, '116')), ['3:00 PM – 4:30 PM', '1 h 30 min, then booked']);
});

test('the arrows end where the kept days end', async t => {
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

test('simulated bookings are marked on the page, real ones are not', async t => {
  const page = await visit(t);
  await shown(page);
  assert.equal(await page.locator('#simulated').innerText(), 'Simulated bookings. No room is really free.');
  const real = await visit(t, '', {prepare: campusOf(day, [{name: '116', times: [['07:00', '23:00']]}])});
  await shown(real);
  assert.equal(await real.locator('#simulated').isVisible(), false);
});

test('the title and the head say whose rooms these are', async t => {
  const page = await visit(t);
  await headline(page, /free now$/);
  assert.match(await page.title(), /free now · Boston University$/);
  assert.equal(await page.locator('#home').innerText(), 'Boston University');
});

test('a wrong clock of the device is noticed by the server\'s Date and the Age in a CDN, and corrected', async t => {
  const slow = new Date(instant(day, '10:20').getTime() - 12 * 60_000);
  const dated = async page => {
    await campusOf(day, [{name: '116', times: [['07:00', '10:59']]}])(page);
    await page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: false, remaining_minutes: 0}, headers: {Date: instant(day, '10:18').toUTCString(), Age: '120'}}));
  };
  const page = await open(t, browser, `${server.url}/app`, {now: slow, prepare: dated});
  await eventually(() => page.locator('#moment').innerText(), /10:20.AM$/);
  assert.deepEqual(await answerOf(room(page, '116')), ['Free until 11:00 AM', '40 min, then booked']);
  assert.match(await page.locator('#zone').innerText(), /^The clock of this device is 12.min slow\. The times on this page are right\.$/);
});

test('offline after midnight the page offers the last data, with their day', async t => {
  const page = await visit(t, '', {time: '23:50'});
  await headline(page, 'No room is free now');
  await goOffline(page);
  await page.clock.setFixedTime(instant(next(day), '00:10'));
  await headline(page, 'You are offline');
  await page.getByRole('button', {name: /^Show \w+day, /}).click();
  await headline(page, /(with|has) free time$/);
  await eventually(() => page.locator('#notice').innerText(), /^You are offline\. The page shows what was known on /);
});

test('when the campus is closed the page says when it opens, and leads to that day', async t => {
  const open = new Date(Date.parse(day) + 3 * 86_400_000).toISOString().slice(0, 10);
  const page = await visit(t, '', {prepare: async page => {
    await campusOf(day, [{name: '116'}], {building: {opens: null, closes: null}})(page);
    const days = [0, 1, 2, 3].map(index => new Date(Date.parse(day) + index * 86_400_000).toISOString().slice(0, 10))
      .map(date => ({date, status: 'ok', opens: date === open ? '08:00' : null, closes: date === open ? '20:00' : null, last_updated: null, availability: []}));
    await page.route('**/api/classrooms/116/days', route => route.fulfill({json: {id: '116', name: '116', building_code: 'CAS', timezone: ZONE, days}}));
  }});
  await headline(page, 'No room is free now');
  await eventually(async () => (await offers(page))[1], /^College of Arts & Sciences opens on \w+day, .* at 8:00 AM\.$/);
  await page.getByRole('button', {name: /^Show \w+day, /}).click();
  assert.equal(new URL(page.url()).searchParams.get('date'), open);
});
