// The question lives in the URL, with the API's parameters and two of its own; what a person chose last is remembered on the device.

import {show} from './dom.js';
import {campusClock, DAY_END, dayAfter, hhmm, instantOf, isDay, knowsZone, MINUTE, minutesOf, now, shownFrom} from './times.js';

/** The path of the service, which may have one of its own: "/" or "/rooms/". The server states the way to it from this page. */
export const root = new URL(document.documentElement.dataset.base || '.', location.href).pathname;
/** Where the pages of rooms are. */
const ROOMS = `${root}app/rooms/`;

export const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
/** A room that is free for less than this is not what people look for, unless they say so. */
const MIN = 30;
/** Every free time is at least so long; the API takes nothing less. */
export const ANY_LENGTH = 1;
/** The choices of `sort`, and what the API calls them. */
const SORTS = /** @type {Map<string, Sort>} */ (new Map([['name', 'name'], ['duration', 'duration'], ['free_until', 'duration'], ['soonest', 'soonest'], ['nearest', 'nearest'], ['capacity', 'capacity']]));

/** Under this name the device keeps what is remembered. */
const REMEMBERED = `emptyclassroom:${root}`;

/** @type {Question} */
export let question = readUrl(location.search ? {} : rememberedChoices());
// The address holds what is remembered as well: it can be copied, and the back button returns to it.
if (!location.search) history.replaceState(null, '', urlOf(question));

/** A range may end with the day: 24:00 in the API's words, 00:00 in a time field.
    @param {string} time */
export function endOf(time) {
  return time === '00:00' ? '24:00' : time;
}

/** @param {Partial<Question>} defaults @returns {Question} */
function readUrl(defaults) {
  const given = new URLSearchParams(location.search);
  /** @param {string} name @param {RegExp} form */
  const text = (name, form) => form.test(given.get(name) ?? '') ? String(given.get(name)) : '';
  const [at, from, to, min] = [text('at', TIME), text('from', TIME), text('to', END), text('min_minutes', /^\d+$/)];
  return {
    room: roomOf(location.pathname),
    q: given.get('q') ?? '',
    date: text('date', DATE),
    mode: at ? 'at' : from && to ? 'range' : given.get('when') === 'day' ? 'day' : 'now',
    at, from, to: endOf(to),
    min: min ? Math.max(ANY_LENGTH, Math.min(Number(min), DAY_END)) : MIN,
    sort: SORTS.get(given.get('sort') ?? '') ?? 'name',
    buildings: given.getAll('building').flatMap(codes => codes.split(',')).filter(Boolean),
    capacity: Math.min(Number(text('min_capacity', /^\d{1,7}$/)), 1_000_000),
    features: given.getAll('feature').map(feature => feature.trim()).filter(Boolean),
    ...defaults,
  };
}

/** The id of the room whose page has this path; '' for another path.
    @param {string} path */
export function roomOf(path) {
  if (!path.startsWith(ROOMS)) return '';
  const id = path.slice(ROOMS.length);
  try {
    return decodeURIComponent(id);
  } catch {
    // It is not percent-encoded as it should be, so there is no such room.
    return id;
  }
}

/** @param {Question} question */
export function urlOf({room, q, date, mode, at, from, to, min, sort, buildings, capacity, features}) {
  if (room) return ROOMS + encodeURIComponent(room);
  const pairs = {
    q, date,
    at: mode === 'at' && at, from: mode === 'range' && from, to: mode === 'range' && to, when: mode === 'day' && 'day',
    min_minutes: min !== MIN && min, min_capacity: capacity, sort: sort !== 'name' && sort, building: buildings.join(','),
  };
  const given = [...Object.entries(pairs).filter(([, value]) => value), ...features.map(feature => ['feature', feature])];
  const query = String(new URLSearchParams(/** @type {string[][]} */ (given)));
  return `${root}app${query && '?'}${query}`.replaceAll('%3A', ':').replaceAll('%2C', ',');
}

/** Asks something else. Typing is no step of its own for the back button.
    @param {Partial<Question>} change @param {boolean} [typing] */
export function ask(change, typing = false) {
  question = {...question, ...change};
  history[typing ? 'replaceState' : 'pushState'](null, '', urlOf(question));
  show();
}

/** Asks something else, by a control of the form: the device remembers it.
    @param {Partial<Pick<Question, 'buildings' | 'sort' | 'min'>>} choice */
export function choose(choice) {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify({...rememberedChoices(), ...choice}));
  } catch {
    // The browser stores nothing.
  }
  ask(choice);
}

/** Takes the question from the URL, after the back button. */
export function askUrl() {
  question = readUrl({});
  show();
}

/** Asks what a link of the page asks.
    @param {string} href */
export function askHref(href) {
  history.pushState(null, '', href);
  askUrl();
}

/** Today is no day in particular: a page that stays open goes on with the next.
    @param {string} date @param {Partial<Question>} [change] */
export function askDay(date, change) {
  ask({date: knowsZone() && date === campusClock().date ? '' : date, ...change});
}

/** @returns {Partial<Question>} */
function rememberedChoices() {
  try {
    const {buildings = [], sort = 'name', min = MIN} = JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}');
    if (Array.isArray(buildings) && min >= ANY_LENGTH && min <= DAY_END && SORTS.has(sort)) return {buildings: buildings.map(String), sort, min: Number(min)};
  } catch {
    // Nothing is stored, or it is of another version.
  }
  return {};
}

/** Whether a building is among those asked for, in letters of either case.
    @param {string} code */
export const isChosen = code => question.buildings.some(chosen => chosen.toLowerCase() === code.toLowerCase());

/** The day that is asked about; null as long as the campus's zone, and so its day, is not known. A room's page is about now, whatever the list was. */
export const shownDay = () => !question.room && question.date || (knowsZone() ? campusClock().date : null);
export const isToday = () => knowsZone() ? shownDay() === campusClock().date : !question.date || Boolean(question.room);
/** "Now" has no meaning on another day. */
export const currentMode = () => question.room ? 'now' : question.mode === 'now' && !isToday() ? 'day' : question.mode;
/** For how many minutes a room should be free. */
export const minimum = () => question.room ? ANY_LENGTH : question.min;
export const isBackwards = () => currentMode() === 'range' && question.to <= question.from;

/** The minutes in which the rooms should be free; null for any of the day.
    @returns {Asked | null} */
export function askedTime() {
  const day = String(shownDay());
  /** @param {number} from @param {number} to */
  const range = (from, to) => ({from: shownFrom(day, from), to: shownFrom(day, to), instant: instantOf(day, from)});
  /** @param {number} minute */
  const at = minute => range(minute, minute);
  switch (currentMode()) {
    case 'now': return {...at(campusClock().minute), instant: Math.floor(now() / MINUTE) * MINUTE};
    case 'at': return at(minutesOf(question.at));
    case 'range': return range(minutesOf(question.from), minutesOf(question.to));
    default: return null;
  }
}

/** The times to begin with when somebody chooses "At" or "From–to": the next half hour.
    @param {string} mode */
export function firstTimes(mode) {
  const from = isToday() && knowsZone() ? Math.min(Math.ceil(campusClock().minute / 30) * 30, 22 * 60) : 10 * 60;
  if (mode === 'at') return {at: question.at || hhmm(from)};
  if (mode === 'range') return {from: question.from || hhmm(from), to: question.to || hhmm(from + 60)};
  return {};
}

/** The day after the one that is shown. */
export const nextDay = () => isDay(shownDay()) ? dayAfter(String(shownDay()), 1) : '';
