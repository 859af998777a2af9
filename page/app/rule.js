// The rules: when a room is free, which rooms match, and how they are sorted.

import {answer, factsOf, hoursOf, parseHours} from './data.js';
import {askedTime, currentMode, isBackwards, isToday, minimum, question, shownDay} from './question.js';
import {campusClock, DAY_END, instantOf, MINUTE, minutesOf, shownFrom} from './times.js';

/** Walking speed, and how much longer a walk is than the straight line. */
const METERS_A_MINUTE = 80, DETOUR = 1.3;
const EARTH_RADIUS = 6_371_000;

/** The user's position, once they sort by distance. It never leaves this page.
    @type {{latitude: number, longitude: number} | null} */
let position = null;

/** @param {GeolocationCoordinates} coords */
export function setPosition({latitude, longitude}) {
  position = {latitude, longitude};
}

/** Returns the sort order. "Nearest first" needs a position; until then, rooms are sorted by building. */
export const currentSort = () => question.sort === 'nearest' && !position ? 'name' : question.sort;

/** Returns the walking time to a building in minutes; undefined if a position is missing.
    @param {string} code */
export function walkTo(code) {
  const place = factsOf(code)?.location;
  if (!position || !place) return undefined;
  const radians = Math.PI / 180, [latitude, longitude] = place;
  const north = (latitude - position.latitude) * radians;
  const east = (longitude - position.longitude) * radians * Math.cos((latitude + position.latitude) / 2 * radians);
  return Math.max(1, Math.round(Math.hypot(north, east) * EARTH_RADIUS * DETOUR / METERS_A_MINUTE));
}

/** @type {WeakMap<object, FreeTime[]>} */
const known = new WeakMap();

/** Returns a room's free times on the day of the answer, computed once.
    @param {Room} room @param {Hours | null} hours */
function timesOf(room, hours) {
  let times = known.get(room);
  if (!times) {
    times = freeTimes(room.availability, hours, String(answer?.date));
    known.set(room, times);
  }
  return times;
}

/** Returns the free times of a day. The API's slots leave a margin of one minute at each booking, but none at opening and closing time; it is
    added back here. Lengths are elapsed time: an hour that the clocks skip does not count.
    @param {Slot[]} slots @param {Hours | null} hours @param {string} day @returns {FreeTime[]} */
export function freeTimes(slots, hours, day) {
  if (!hours) return [];
  const {opens, closes} = hours;
  return slots.map(({start_time, end_time}) => {
    const start = minutesOf(start_time), end = minutesOf(end_time);
    const from = shownFrom(day, start === opens ? start : Math.max(start - 1, 0));
    const until = shownFrom(day, end === closes ? end : Math.min(end + 1, DAY_END));
    return {from, until, minutes: minutesUntil(day, until, instantOf(day, from))};
  }).filter(({from, until}) => from < until);
}

/** @param {string} day @param {number} until @param {number} instant */
const minutesUntil = (day, until, instant) => (instantOf(day, until, instant) - instant) / MINUTE;

/** Returns the rest of a day's free times: today, they start now at the earliest.
    @param {FreeTime[]} times */
function left(times) {
  if (!isToday()) return times;
  const day = String(shownDay()), {minute} = campusClock();
  return times.filter(({until}) => until > minute)
    .map(time => time.from >= minute ? time : {from: minute, until: time.until, minutes: minutesUntil(day, time.until, instantOf(day, minute))});
}

/** @param {Room} room @param {Building} building @param {Asked | null} asked @returns {Judgement} */
function judge(room, building, asked) {
  const hours = hoursOf(building), times = timesOf(room, hours);
  const time = asked
    ? times.find(time => time.from <= asked.from && asked.from < time.until)
    : left(times).reduce((/** @type {FreeTime | undefined} */ longest, time) => longest && longest.minutes >= time.minutes ? longest : time, undefined);
  const minutes = !time ? 0 : asked ? minutesUntil(String(shownDay()), time.until, asked.instant) : time.minutes;
  const free = Boolean(time) && !isBackwards() && minutes >= minimum() && (!asked || Number(time?.until) >= asked.to);
  const next = asked ? times.find(time => time.from > asked.from && time.minutes >= Math.max(minimum(), asked.to - asked.from)) : undefined;
  return {room, building, hours, times, time, minutes, next, free, rank: 0, turn: 0};
}

/** @type {{of: unknown, key: string, groups: {building: Building, rooms: Judgement[]}[]}} */
let lastJudged = {of: null, key: '', groups: []};

/** Returns every room, judged and ranked. The result is cached until the data or the question changes, so a search neither judges nor sorts again. */
function judgeAll() {
  const asked = askedTime(), {minute} = campusClock();
  const key = JSON.stringify([asked, minimum(), currentMode(), minute, shownDay(), currentSort(), position]);
  if (lastJudged.of !== answer || lastJudged.key !== key) {
    const buildings = Object.values(answer?.buildings ?? {});
    lastJudged = {of: answer, key, groups: buildings.map(building => ({building, rooms: building.classrooms.map(room => judge(room, building, asked))}))};
    const all = lastJudged.groups.flatMap(({rooms}) => rooms), order = ORDERS[currentSort()];
    all.sort((a, b) => startOf(a) - startOf(b) || sameOrder(a, b)).forEach((judgement, turn) => { judgement.turn = turn; });
    all.sort((a, b) => order(a, b) || sameOrder(a, b)).forEach((judgement, rank) => { judgement.rank = rank; });
  }
  return lastJudged.groups;
}

/** @param {string} text */
export const squeeze = text => text.toLowerCase().replaceAll(/\s+/g, '');

/** The searchable text of each room: its name and its building's.
    @type {WeakMap<object, string>} */
const searchable = new WeakMap();

/** @param {Room} room @param {Building} building */
function textOf(room, building) {
  const text = searchable.get(room) ?? `${squeeze(building.code + room.name)} ${squeeze(building.name)}`;
  searchable.set(room, text);
  return text;
}

/** @param {Room} room @param {Building} building @param {string} wanted */
function matches(room, building, wanted) {
  return textOf(room, building).includes(wanted) && (room.capacity ?? 0) >= question.capacity && question.features.every(feature => hasFeature(room, feature));
}

/** @param {Room} room @param {string} wanted */
const hasFeature = ({features = []}, wanted) => features.some(feature => feature.toLowerCase() === wanted.toLowerCase());

const byName = new Intl.Collator('en', {numeric: true});
/** @param {string} a @param {string} b */
export const compareNames = (a, b) => byName.compare(a, b);

/** @type {Record<Sort, (a: Judgement, b: Judgement) => number>} */
const ORDERS = {
  name: () => 0,
  duration: (a, b) => b.minutes - a.minutes,
  soonest: (a, b) => startOf(a) - startOf(b) || b.minutes - a.minutes,
  nearest: (a, b) => (walkTo(a.building.code) ?? Infinity) - (walkTo(b.building.code) ?? Infinity) || b.minutes - a.minutes,
  capacity: (a, b) => (b.room.capacity ?? 0) - (a.room.capacity ?? 0),
};

/** @param {Judgement} a @param {Judgement} b */
const sameOrder = (a, b) => compareNames(a.building.code, b.building.code) || compareNames(a.room.name, b.room.name);

/** Compares by the selected sort order.
    @param {Judgement} a @param {Judgement} b */
export const inOrder = (a, b) => a.rank - b.rank;

/** Compares by when rooms become free.
    @param {Judgement} a @param {Judgement} b */
export const bySoonest = (a, b) => a.turn - b.turn;

/** Returns the minute at which a room becomes free as asked. Unknown rooms sort last.
    @param {Judgement} judgement */
function startOf({free, time, next, hours, room}) {
  if (room.status === 'unknown') return DAY_END + 2;
  if (!hours) return DAY_END + 1;
  return free ? time && askedTime() ? 0 : time?.from ?? 0 : next?.from ?? DAY_END;
}

/** Returns all rooms that match the search, by building.
    @returns {Group[]} */
export function judged() {
  const wanted = squeeze(question.q);
  return judgeAll().map(({building, rooms}) => {
    const found = rooms.filter(({room}) => matches(room, building, wanted));
    return {building, free: found.filter(({free}) => free).sort(inOrder), others: found.filter(({free}) => !free).sort(bySoonest)};
  });
}

/** Returns one room of the answer, judged.
    @param {string} id */
export const judgedRoom = id => judgeAll().flatMap(({rooms}) => rooms).find(({room}) => room.id === id);

/** Returns the free times and hours of each day of a room.
    @param {RoomDays} days */
export const daysOf = ({days}) => days.map(({date, status, opens, closes, availability}) => {
  const hours = parseHours({opens, closes});
  return {date, status, hours, times: freeTimes(availability, hours, date)};
});
