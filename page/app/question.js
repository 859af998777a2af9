// The question: what the user asks for. The URL holds it, mostly with the API's parameters. The device remembers the last choices.

import {show} from './dom.js';
import {campusClock, DAY_END, dayAfter, hhmm, instantOf, isDay, knowsZone, MINUTE, minutesOf, now, shownFrom} from './times.js';

/** The root path of the service, such as "/" or "/rooms/". The server puts the relative path to it into the page. */
export const root = new URL(document.documentElement.dataset.base || '.', location.href).pathname;
/** The path of room pages, without the room id. */
const ROOMS = `${root}app/rooms/`;

export const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const END = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
/** Default minimum length: by default, rooms that are free for less time are not shown as free. */
const MIN = 30;
/** The shortest minimum length, which every free time has; the API accepts no less. */
export const ANY_LENGTH = 1;
/** The values of `sort` in a URL, the API's included, and the page's sort order for each. */
const SORTS = /** @type {Map<string, Sort>} */ (new Map([['name', 'name'], ['duration', 'duration'], ['free_until', 'duration'], ['soonest', 'soonest'], ['nearest', 'nearest'], ['capacity', 'capacity']]));

/** The localStorage key of the remembered choices. */
const REMEMBERED = `emptyclassroom:${root}`;

/** @type {Question} */
export let question = readUrl(location.search ? {} : rememberedChoices());
// Put the remembered choices into the URL, so that it can be shared and the back button returns to them.
if (!location.search) history.replaceState(null, '', urlOf(question));

/** Converts the end of a range: midnight is 24:00 in the API and 00:00 in a time field.
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

/** Returns the id of the room whose page has this path; '' for any other path.
    @param {string} path */
export function roomOf(path) {
  if (!path.startsWith(ROOMS)) return '';
  const id = path.slice(ROOMS.length);
  try {
    return decodeURIComponent(id);
  } catch {
    // The percent-encoding is invalid, so the room does not exist.
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

/** Changes the question. Typing replaces the history entry, so the back button does not step through each letter.
    @param {Partial<Question>} change @param {boolean} [typing] */
export function ask(change, typing = false) {
  question = {...question, ...change};
  history[typing ? 'replaceState' : 'pushState'](null, '', urlOf(question));
  show();
}

/** Changes the question and remembers the choice on the device.
    @param {Partial<Pick<Question, 'buildings' | 'sort' | 'min'>>} choice */
export function choose(choice) {
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify({...rememberedChoices(), ...choice}));
  } catch {
    // Storage is disabled or full.
  }
  ask(choice);
}

/** Reads the question from the URL, for example after the back button. */
export function askUrl() {
  question = readUrl({});
  show();
}

/** Reads the question from a link on the page.
    @param {string} href */
export function askHref(href) {
  history.pushState(null, '', href);
  askUrl();
}

/** Changes the day. Today is stored as no date, so a page that stays open moves on to the next day.
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
    // Nothing is stored, or another version stored it.
  }
  return {};
}

/** Whether a building is selected, ignoring case.
    @param {string} code */
export const isChosen = code => question.buildings.some(chosen => chosen.toLowerCase() === code.toLowerCase());

/** Returns the shown day; null until the campus's time zone is known. A room's page is always about today. */
export const shownDay = () => !question.room && question.date || (knowsZone() ? campusClock().date : null);
export const isToday = () => knowsZone() ? shownDay() === campusClock().date : !question.date || Boolean(question.room);
/** Returns the mode. "Now" has no meaning on another day, so it becomes "All day". */
export const currentMode = () => question.room ? 'now' : question.mode === 'now' && !isToday() ? 'day' : question.mode;
/** Returns how many minutes a room must be free. */
export const minimum = () => question.room ? ANY_LENGTH : question.min;
export const isBackwards = () => currentMode() === 'range' && question.to <= question.from;

/** Returns the time at which rooms must be free; null for any time of the day.
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

/** Returns the default times for "At" and "Between": they start at the next half hour.
    @param {string} mode */
export function firstTimes(mode) {
  const from = isToday() && knowsZone() ? Math.min(Math.ceil(campusClock().minute / 30) * 30, 22 * 60) : 10 * 60;
  if (mode === 'at') return {at: question.at || hhmm(from)};
  if (mode === 'range') return {from: question.from || hhmm(from), to: question.to || hhmm(from + 60)};
  return {};
}

/** Returns the day after the shown one. */
export const nextDay = () => isDay(shownDay()) ? dayAfter(String(shownDay()), 1) : '';
