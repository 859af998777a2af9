// Times of the campus, and how they are written. The campus's clocks are not the device's: its zone and its offset may differ, and its clock may be wrong.

import {locale, say} from './dom.js';

export const SECOND = 1000, MINUTE = 60 * SECOND;
/** Midnight at the end of a day, in minutes. */
export const DAY_END = 1440;
/** A device's clock that differs less from the server's is right: the server states whole seconds, and its answer has travelled. */
const TOLERANCE = 30 * SECOND;

/** How much the server's clock is ahead of the device's, in milliseconds; 0 if they agree. */
export let skew = 0;

/** The present instant, by the server's clock. */
export const now = () => Date.now() + skew;

/** Compares the device's clock with the server's Date, and with the Age that a CDN adds.
    @param {Headers} headers */
export function compareClocks(headers) {
  const served = Date.parse(headers.get('Date') ?? '');
  if (Number.isNaN(served)) return;
  const difference = served + Number(headers.get('Age')) * SECOND - Date.now();
  skew = Math.abs(difference) > TOLERANCE ? difference : 0;
}

/** "14:05" as minutes since midnight.
    @param {string} text */
export function minutesOf(text) {
  const [hours, minutes] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** @param {number} number */
export const twoDigits = number => String(number).padStart(2, '0');
/** @param {number} minutes */
export const hhmm = minutes => `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`;

const {hour12} = new Intl.DateTimeFormat(undefined, {hour: 'numeric'}).resolvedOptions();
/** A time of day or a date of the campus has no zone of its own; both are written by way of UTC.
    @param {Intl.DateTimeFormatOptions} options */
const format = options => new Intl.DateTimeFormat(locale, {timeZone: 'UTC', ...options});
const clockFormat = format({hour: 'numeric', minute: '2-digit', hour12});
const hourFormat = format({hour: 'numeric', hour12});
const dayFormat = format({weekday: 'short', day: 'numeric', month: 'short'});
const longDayFormat = format({weekday: 'long', day: 'numeric', month: 'long'});
const dateFormat = format({dateStyle: 'full'});

/** @param {string} text */
const unbroken = text => text.replaceAll(/\s/g, '\u00a0');
/** Times that have been written: formatting is slow, and a list of rooms says the same few times again and again.
    @type {Map<number, string>} */
const written = new Map([[DAY_END, say('midnight')]]);

/** "2:05 PM", or "14:05".
    @param {number} minutes */
export function clock(minutes) {
  const text = written.get(minutes) ?? unbroken(clockFormat.format(minutes * MINUTE));
  written.set(minutes, text);
  return text;
}

/** "2 PM", or "14".
    @param {number} minutes */
export const hourName = minutes => hourFormat.format(minutes * MINUTE);

/** "1 h 30 min".
    @param {number} minutes */
export function duration(minutes) {
  const hours = Math.floor(minutes / 60), rest = minutes % 60;
  const parts = [hours && say('hours', {count: hours}), (rest || !hours) && say('minutes', {count: rest})];
  return unbroken(parts.filter(Boolean).join(' '));
}

/** Whether there is such a day; a link may name any.
    @param {string | null} date */
export const isDay = date => !Number.isNaN(Date.parse(`${date}T00:00:00Z`)) && dayAfter(String(date), 0) === date;

/** @param {string} date @param {number} days */
export function dayAfter(date, days) {
  const day = new Date(`${date}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + days);
  return day.toISOString().slice(0, 10);
}

/** The same day of the next month, or that month's last: 25Live answers up to it.
    @param {string} date */
export function monthAfter(date) {
  const day = new Date(`${date}T00:00:00Z`), of = day.getUTCDate();
  day.setUTCMonth(day.getUTCMonth() + 1);
  if (day.getUTCDate() !== of) day.setUTCDate(0);
  return day.toISOString().slice(0, 10);
}

/** "Mon, Nov 23"; in full if it is of another year, or if there is room for it.
    @param {string} date @param {boolean} [long] */
export function dayName(date, long = false) {
  if (!isDay(date)) return date;
  const sameYear = date.slice(0, 4) === (knowsZone() ? campusClock() : browserClock()).date.slice(0, 4);
  return (!sameYear ? dateFormat : long ? longDayFormat : dayFormat).format(new Date(`${date}T00:00:00Z`));
}

/** Date and minute of a clock that is ahead of UTC by so much.
    @param {number} instant @param {number} ahead */
function clockAt(instant, ahead) {
  const shown = new Date(instant + ahead);
  return {date: shown.toISOString().slice(0, 10), minute: shown.getUTCHours() * 60 + shown.getUTCMinutes()};
}

export const browserClock = () => clockAt(now(), -new Date(now()).getTimezoneOffset() * MINUTE);

/** The campus's time zone.
    @type {string} */
let zone;
/** Its offsets from UTC, each with the instant from which it holds. A browser may be older than the zone or its rules, so the page uses the API's.
    @type {{from: number, ahead: number}[]} */
let offsets = [];

/** @param {Campus} campus */
export function useZoneOf(campus) {
  zone = campus.timezone;
  zoneName = nameOfZone();
  knownDay.date = '';
  offsets = campus.utc_offsets.map(({from, minutes}) => ({from: Date.parse(from), ahead: minutes * MINUTE}));
}

export const knowsZone = () => offsets.length > 0;
/** @param {number} instant */
const offsetAt = instant => (offsets.findLast(({from}) => from <= instant) ?? offsets[0]).ahead;
export const campusClock = (instant = now()) => clockAt(instant, offsetAt(instant));

/** A day: the instant at which UTC's clocks begin it, and how much the campus's are ahead if they do not change around it; null if they do.
    @type {{date: string, start: number, ahead: number | null}} */
let knownDay = {date: '', start: NaN, ahead: null};

/** @param {string} date */
function dayOf(date) {
  if (knownDay.date !== date) {
    const start = Date.parse(`${date}T00:00:00Z`), before = offsetAt(start - 2 * DAY_END * MINUTE);
    knownDay = {date, start, ahead: before === offsetAt(start + 3 * DAY_END * MINUTE) ? before : null};
  }
  return knownDay;
}

/** When the campus's clocks show a minute of a day: for the first time after `moment`, or for the last time if none is after it. If the clocks
    skip it: when they go on behind it.
    @param {string} date @param {number} minute @param {number} [moment] */
export function instantOf(date, minute, moment = -Infinity) {
  const {start, ahead: steady} = dayOf(date), shown = start + minute * MINUTE;
  if (steady !== null) return shown - steady;
  const instants = offsets.map(({ahead}) => shown - ahead).filter(instant => instant + offsetAt(instant) === shown).sort((a, b) => a - b);
  if (!instants.length) return offsets.find(({from, ahead}) => from + ahead > shown)?.from ?? shown;
  return instants.find(instant => instant > moment) ?? instants[instants.length - 1];
}

/** The minute of a day itself, or the first one behind it if the clocks skip it: the end of the day, if they go on with the next.
    @param {string} date @param {number} minute */
export function shownFrom(date, minute) {
  if (dayOf(date).ahead !== null) return minute;
  const clock = campusClock(instantOf(date, minute));
  return clock.date === date ? clock.minute : DAY_END;
}

/** What the campus's zone is called in summer and winter alike, "Eastern Time"; its identifier if the browser does not know it. */
export let zoneName = '';

function nameOfZone() {
  try {
    const parts = format({timeZone: zone, timeZoneName: 'longGeneric'}).formatToParts(now());
    return parts.find(part => part.type === 'timeZoneName')?.value ?? zone;
  } catch {
    return zone;
  }
}

/** "Eastern Time (America/New_York)". */
export const zoneInFull = () => zoneName === zone ? zone : `${zoneName} (${zone})`;
