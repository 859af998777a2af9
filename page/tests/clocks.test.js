// Campus time: on days on which the clocks change, and in a browser that does not know the time zone.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {campusOf, eventually, freeRooms, headline, launch, open, Server, shown} from './support.js';

let server, browser;
before(async () => { [server, browser] = await Promise.all([Server.start(), launch()]); });
after(() => Promise.all([browser?.close(), server?.stop()]));

/** Days on which the clocks change, with their UTC offsets. */
const SPRING = {date: '2026-03-08', timezone: 'America/New_York', utc_offsets: [{from: '2026-02-01T00:00:00-05:00', minutes: -300}, {from: '2026-03-08T03:00:00-04:00', minutes: -240}]};
const AUTUMN = {date: '2026-11-01', timezone: 'America/New_York', utc_offsets: [{from: '2026-10-01T00:00:00-04:00', minutes: -240}, {from: '2026-11-01T01:00:00-05:00', minutes: -300}]};
const LAST_HOUR = {date: '2026-03-28', timezone: 'America/Nuuk', utc_offsets: [{from: '2026-03-01T00:00:00-02:00', minutes: -120}, {from: '2026-03-29T00:00:00-01:00', minutes: -60}]};
const FIRST_HOUR = {date: '2026-04-24', timezone: 'Africa/Cairo', utc_offsets: [{from: '2026-04-01T00:00:00+02:00', minutes: 120}, {from: '2026-04-24T01:00:00+03:00', minutes: 180}]};

/** A room that is free all day, one with a class from 22:00 to 23:10, and one with a class from 2:10 to 2:40. */
const ROOMS = [
  {name: 'free', times: [['00:00', '24:00']]},
  {name: 'late', times: [['00:00', '21:59'], ['23:11', '24:00']]},
  {name: 'night', times: [['00:00', '02:09'], ['02:41', '24:00']]},
];

/** Opens the page on such a day, with a building that is always open. */
const visit = (t, {date, ...facts}, query, {now = '2026-01-05T12:00:00Z', rooms = ROOMS, ...options} = {}) => {
  const prepare = campusOf(date, rooms, {facts: {opens: '00:00', closes: '24:00', ...facts}});
  return open(t, browser, `${server.url}/app?${new URLSearchParams({date, min_minutes: '1', ...query})}`, {now: new Date(now), locale: 'en-GB', prepare, ...options});
};

/** Returns the free rooms, each with the end and length of its free time. */
const free = page => page.locator('ul.free .room').evaluateAll(rooms => rooms.map(room => {
  const [name, answer] = room.children;
  return [name.textContent.replace('CAS ', ''), ...[...answer.childNodes].map(node => node.textContent)].filter(Boolean).join(' ').replaceAll('\u00a0', ' ').replace(/, then \w+$/, '');
}));

// The tests in shared/domain/src/question cover the API's answers to the same questions.
for (const [what, day, query, expected] of /** @type {const} */ ([
  ['before a skipped hour', SPRING, {at: '01:30'}, ['free Free until midnight 21 h 30 min', 'late Free until 22:00 19 h 30 min', 'night Free until 3:00 30 min']],
  ['within a skipped hour', SPRING, {at: '02:30'}, ['free Free until midnight 21 h', 'late Free until 22:00 19 h', 'night Free until midnight 21 h']],
  ['until a time within a skipped hour', SPRING, {from: '01:30', to: '02:30'}, ['free Free until midnight 21 h 30 min', 'late Free until 22:00 19 h 30 min', 'night Free until 3:00 30 min']],
  ['for all of a 23-hour day', SPRING, {when: 'day', min_minutes: 1380}, ['free 0:00 – midnight 23 h']],
  ['for longer than a 23-hour day', SPRING, {when: 'day', min_minutes: 1381}, []],
  ['for all of a 25-hour day', AUTUMN, {when: 'day', min_minutes: 1440}, ['free 0:00 – midnight 25 h']],
  ['at a time that occurs twice', AUTUMN, {at: '01:30'}, ['free Free until midnight 23 h 30 min', 'late Free until 22:00 21 h 30 min', 'night Free until 2:10 1 h 40 min']],
  ['within a skipped last hour of the day', LAST_HOUR, {at: '23:30'}, []],
  ['from a skipped last hour to the end of the day', LAST_HOUR, {from: '23:30', to: '24:00'}, []],
  ['until a skipped last hour', LAST_HOUR, {from: '22:00', to: '23:30'}, ['free Free until midnight 1 h', 'night Free until midnight 1 h']],
  ['at a skipped midnight', FIRST_HOUR, {at: '00:00'}, ['free Free until midnight 23 h', 'late Free until 22:00 21 h', 'night Free until 2:10 1 h 10 min']],
])) test(`free times have the same lengths as in the API: ${what}`, async t => {
  const page = await visit(t, day, query);
  await shown(page);
  assert.deepEqual(await free(page), expected);
});

test('"now" is correct even if the clocks show this time twice', async t => {
  for (const [now, time, length] of [['2026-11-01T05:29:30Z', '1:29', '23 h 31 min'], ['2026-11-01T06:29:30Z', '1:29', '22 h 31 min']]) {
    const page = await visit(t, AUTUMN, {}, {now, rooms: ROOMS.slice(0, 1)});
    await headline(page, '1 room free now');
    assert.match(await page.locator('#moment').innerText(), new RegExp(`· ${time}$`));
    assert.deepEqual(await free(page), [`free Free until midnight ${length}`]);
  }
});

test('a browser that does not know the time zone still shows campus time', async t => {
  const zone = 'America/Coyhaique';
  const day = {date: '2026-03-03', timezone: zone, utc_offsets: [{from: '2026-02-01T00:00:00-03:00', minutes: -180}]};
  const withoutZone = page => page.addInitScript(zone => {
    Object.assign(Intl, {DateTimeFormat: class extends Intl.DateTimeFormat {
      constructor(locales, options) {
        if (options?.timeZone === zone) throw new RangeError(`Invalid time zone specified: ${zone}`);
        super(locales, options);
      }
    }});
  }, zone);
  const prepare = async page => { await withoutZone(page); await campusOf(day.date, ROOMS, {facts: {opens: '00:00', closes: '24:00', ...day}})(page); };
  const page = await open(t, browser, `${server.url}/app`, {now: new Date('2026-03-03T13:20:00Z'), locale: 'en-GB', prepare});
  await headline(page, '3 rooms free now');
  assert.deepEqual(await freeRooms(page), ['CAS free', 'CAS late', 'CAS night']);
  assert.match(await page.locator('#moment').innerText(), /^Tue,? 3 Mar · 10:20$/);
  assert.equal(await page.locator('#zone').innerText(), `Times are campus time (${zone}). It’s 8:20 where you are.`);
  assert.equal(await page.locator('#zone-name').innerText(), `All times are campus time: ${zone}.`);
  await page.getByRole('button', {name: 'Next day'}).click();
  await eventually(() => page.locator('#date').inputValue(), '2026-03-04');
});
