// Campus time and its formats. The device may be in another time zone, and its clock may be wrong.

import {locale, say} from './dom.js';

export const SECOND = 1000, MINUTE = 60 * SECOND;
/** Midnight at the end of a day, in minutes. */
export const DAY_END = 1440;
/** Smaller clock differences are ignored: the Date header has whole seconds, and the response took time to arrive. */
const TOLERANCE = 30 * SECOND;

/** How far the server's clock is ahead of the device's, in milliseconds; 0 if they agree. */
export let skew = 0;

/** Returns the current time by the server's clock. */
export const now = () => Date.now() + skew;

/** Compares the device's clock with the response's Date, plus the Age that a CDN adds.
    @param {Headers} headers */
export function compareClocks(headers) {
  const served = Date.parse(headers.get('Date') ?? '');
  if (Number.isNaN(served)) return;
  const difference = served + Number(headers.get('Age')) * SECOND - Date.now();
  skew = Math.abs(difference) > TOLERANCE ? difference : 0;
}

/** Converts "14:05" to minutes since midnight.
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
/** Returns a format for campus times and dates. They have no time zone here, so they are formatted as UTC.
    @param {Intl.DateTimeFormatOptions} options */
const format = options => new Intl.DateTimeFormat(locale, {timeZone: 'UTC', ...options});
const clockFormat = format({hour: 'numeric', minute: '2-digit', hour12});
const hourFormat = format({hour: 'numeric', hour12});
const dayFormat = format({weekday: 'short', day: 'numeric', month: 'short'});
const longDayFormat = format({weekday: 'long', day: 'numeric', month: 'long'});
const dateFormat = format({dateStyle: 'full'});

/** @param {string} text */
const unbroken = text => text.replaceAll(/\s/g, '\u00a0');
/** Cache of formatted times: formatting is slow, and a list of rooms repeats the same few times.
    @type {Map<number, string>} */
const written = new Map([[DAY_END, say('midnight')]]);

/** Returns "2:05 PM" or "14:05".
    @param {number} minutes */
export function clock(minutes) {
  const text = written.get(minutes) ?? unbroken(clockFormat.format(minutes * MINUTE));
  written.set(minutes, text);
  return text;
}

/** Returns "2 PM" or "14".
    @param {number} minutes */
export const hourName = minutes => hourFormat.format(minutes * MINUTE);

/** Returns "1 h 30 min".
    @param {number} minutes */
export function duration(minutes) {
  const hours = Math.floor(minutes / 60), rest = minutes % 60;
  const parts = [hours && say('hours', {count: hours}), (rest || !hours) && say('minutes', {count: rest})];
  return unbroken(parts.filter(Boolean).join(' '));
}

/** Whether a date exists. A link may contain any text.
    @param {string | null} date */
export const isDay = date => !Number.isNaN(Date.parse(`${date}T00:00:00Z`)) && dayAfter(String(date), 0) === date;

/** @param {string} date @param {number} days */
export function dayAfter(date, days) {
  const day = new Date(`${date}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + days);
  return day.toISOString().slice(0, 10);
}

/** Returns the same day of the next month, or that month's last day.
    @param {string} date */
export function monthAfter(date) {
  const day = new Date(`${date}T00:00:00Z`), of = day.getUTCDate();
  day.setUTCMonth(day.getUTCMonth() + 1);
  if (day.getUTCDate() !== of) day.setUTCDate(0);
  return day.toISOString().slice(0, 10);
}

/** Returns "Mon, Nov 23", or "Monday, November 23" if `long`. A date in another year is always written in full.
    @param {string} date @param {boolean} [long] */
export function dayName(date, long = false) {
  if (!isDay(date)) return date;
  const sameYear = date.slice(0, 4) === (knowsZone() ? campusClock() : browserClock()).date.slice(0, 4);
  return (!sameYear ? dateFormat : long ? longDayFormat : dayFormat).format(new Date(`${date}T00:00:00Z`));
}

/** Returns the date and minute of a clock that is `ahead` milliseconds ahead of UTC.
    @param {number} instant @param {number} ahead */
function clockAt(instant, ahead) {
  const shown = new Date(instant + ahead);
  return {date: shown.toISOString().slice(0, 10), minute: shown.getUTCHours() * 60 + shown.getUTCMinutes()};
}

export const browserClock = () => clockAt(now(), -new Date(now()).getTimezoneOffset() * MINUTE);

/** The campus's time zone.
    @type {string} */
let zone;
/** Its UTC offsets, each with the instant from which it applies. They come from the API, because a browser may not know the zone or its current rules.
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

/** A day: the instant at which it begins in UTC, and the campus's UTC offset; null if the offset changes around that day.
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

/** Returns the instant at which the campus's clocks show a minute of a day. If they show it twice, it is the first instant after `moment`, or
    the last one. If they skip it, it is the instant of the change.
    @param {string} date @param {number} minute @param {number} [moment] */
export function instantOf(date, minute, moment = -Infinity) {
  const {start, ahead: steady} = dayOf(date), shown = start + minute * MINUTE;
  if (steady !== null) return shown - steady;
  const instants = offsets.map(({ahead}) => shown - ahead).filter(instant => instant + offsetAt(instant) === shown).sort((a, b) => a - b);
  if (!instants.length) return offsets.find(({from, ahead}) => from + ahead > shown)?.from ?? shown;
  return instants.find(instant => instant > moment) ?? instants[instants.length - 1];
}

/** Returns the minute, or the first one after it if the clocks skip it. That is the end of the day if they skip to the next day.
    @param {string} date @param {number} minute */
export function shownFrom(date, minute) {
  if (dayOf(date).ahead !== null) return minute;
  const clock = campusClock(instantOf(date, minute));
  return clock.date === date ? clock.minute : DAY_END;
}

/** The name of the campus's zone without daylight saving, such as "Eastern Time"; its identifier if the browser does not know it. */
export let zoneName = '';

function nameOfZone() {
  try {
    const parts = format({timeZone: zone, timeZoneName: 'longGeneric'}).formatToParts(now());
    return parts.find(part => part.type === 'timeZoneName')?.value ?? zone;
  } catch {
    return zone;
  }
}

/** Returns "Eastern Time (America/New_York)". */
export const zoneInFull = () => zoneName === zone ? zone : `${zoneName} (${zone})`;
