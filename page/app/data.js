// API data: the campus, the rooms of one day, and the days of one room.

import {show} from './dom.js';
import {question, root, shownDay} from './question.js';
import {campusClock, compareClocks, dayAfter, knowsZone, MINUTE, minutesOf, monthAfter, now, SECOND, useZoneOf} from './times.js';

/** Polling interval. An unchanged response is a 304. */
const POLL = 5 * MINUTE;
/** Polling interval during a sweep that has published its first results. */
const POLL_SWEEP = 15 * SECOND;
/** Most sweeps end within this time after they published their first results. */
const SWEEP = 2 * MINUTE;
/** Delay before a failed request is retried, unless the response has a Retry-After header. */
const RETRY = 30 * SECOND;
/** Request timeout. A refresh may take half a minute. */
const TIMEOUT = 45 * SECOND;
/** How long a CDN may serve older data after a refresh: at most a minute, doubled as a safety margin. */
const CDN = 2 * MINUTE;

/** The response of GET /api/buildings.
    @type {Campus | null} */
export let campus = null;
/** The rooms of one day.
    @type {Answer | null} */
export let answer = null;
/** The days of the room whose page is shown, or the status of the request that failed.
    @type {{id: string, sweep?: string, days?: RoomDays, status?: number} | null} */
export let roomDays = null;
/** Why a day has no newer data, and when to retry.
    @type {{status: number, day: string | null, until: number} | null} */
export let problem = null;
/** The time of the last request for the rooms of a day. */
export let askedAt = 0;
/** The request in flight, with its day. Responses to older requests are dropped.
    @type {{day: string | null} | null} */
let pending = null;
/** Responses that came from the service worker's cache because the network is down.
    @type {WeakSet<object>} */
const kept = new WeakSet();
/** The refresh that this tab started or learned of, for as long as a CDN may serve older data.
    @type {{seen: string, since: number, until: number} | null} */
let lastSeen = rememberedRefresh();

/** An error response; status 0 means that there was no response. */
export class Problem extends Error {
  /** @param {number} status @param {number} retryAfter @param {string} [detail] */
  constructor(status, retryAfter, detail) {
    super(`status ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
    this.detail = detail;
  }
}

/** @param {string} path @param {string} [method] */
export async function call(path, method = 'GET') {
  const response = await fetch(root + path, {method, signal: AbortSignal.timeout(TIMEOUT)}).catch(() => null);
  const offline = response?.headers.has('X-Offline');
  if (response && !offline) compareClocks(response.headers);
  const body = await response?.json().catch(() => null);
  if (!response?.ok || !body) throw new Problem(response?.status ?? 0, Number(response?.headers.get('Retry-After')) * SECOND, body?.detail);
  if (offline) kept.add(body);
  return body;
}

/** Returns a path with its query. After a refresh the query has `seen`, so that a CDN does not serve an older cached response.
    @param {string} path @param {Record<string, string>} [query] */
export function pathOf(path, query = {}) {
  if (lastSeen && now() >= lastSeen.until && answer && Date.parse(answer.last_updated) >= lastSeen.since) rememberRefresh(null);
  const given = String(new URLSearchParams(lastSeen ? {...query, seen: lastSeen.seen} : query));
  return given ? `${path}?${given}` : path;
}

/** Makes this tab bypass cached responses that are older than a refresh. Its data are not older than `since`.
    @param {string} timestamp @param {number} [since] */
export function sawRefresh(timestamp, since = Date.parse(timestamp)) {
  rememberRefresh({seen: timestamp, since, until: now() + CDN});
}

/** Stores the refresh for this tab, so that it survives a reload.
    @param {typeof lastSeen} refresh */
function rememberRefresh(refresh) {
  lastSeen = refresh;
  try {
    sessionStorage.setItem('refresh', JSON.stringify(refresh));
  } catch {
    // Storage is disabled or full.
  }
}

/** @returns {typeof lastSeen} */
function rememberedRefresh() {
  try {
    return JSON.parse(sessionStorage.getItem('refresh') ?? 'null');
  } catch {
    return null;
  }
}

/** Loads the rooms of the shown day. */
export async function load() {
  const mine = {day: shownDay()};
  pending = mine;
  askedAt = now();
  try {
    const open = call(pathOf('api/open-classrooms', mine.day ? {date: mine.day} : {}));
    open.catch(() => {});  // It is awaited below.
    campus ?? await loadCampus();
    /** @type {Answer} */
    const newer = await open;
    // A building may be new.
    if (!Object.values(newer.buildings).every(building => 'opens' in building || factsOf(building.code))) await loadCampus();
    if (mine !== pending) return;
    if (answer?.last_updated !== newer.last_updated) asides.clear();
    answer = newer;
    problem = kept.has(newer) ? {status: 0, day: newer.date, until: now() + RETRY} : null;
  } catch (error) {
    if (mine !== pending) return;
    const {status, retryAfter} = error instanceof Problem ? error : new Problem(500, 0);
    problem = {status, day: shownDay(), until: now() + (retryAfter || RETRY)};
    if (!(error instanceof Problem)) console.error(error);
  }
  pending = null;
  show();
}

async function loadCampus() {
  const facts = await call('api/buildings');
  campus = facts;
  useZoneOf(facts);
}

/** Data that are loaded once per sweep, by path and query: undefined while loading, null if the request failed.
    @type {Map<string, any>} */
const asides = new Map();

/** @param {string} path @param {Record<string, string>} [query] */
function aside(path, query) {
  const key = path + JSON.stringify(query);
  if (!asides.has(key)) {
    asides.set(key, undefined);
    call(pathOf(path, query)).catch(() => null).then(body => { asides.set(key, body); show(); });
  }
  return asides.get(key);
}

/** Returns the rooms of a day other than the shown one.
    @param {string} date @returns {Answer | null | undefined} */
export const otherDay = date => aside('api/open-classrooms', {date});

/** Returns the days of a room, with the opening hours of its building.
    @param {string} id @returns {RoomDays | null | undefined} */
export const daysOfRoom = id => aside(`api/classrooms/${encodeURIComponent(id)}/days`);

/** Loads the days of the room whose page is shown, unless they are loaded or loading. The old ones stay visible until newer ones arrive. */
export async function loadRoom() {
  const {room: id} = question, sweep = answer?.last_updated;
  if (roomDays?.id === id && roomDays.sweep === sweep) return;
  /** @type {NonNullable<typeof roomDays>} */
  const mine = {id, sweep, days: roomDays?.id === id ? roomDays.days : undefined};
  roomDays = mine;
  try {
    mine.days = await call(pathOf(`api/classrooms/${encodeURIComponent(id)}/days`));
  } catch (error) {
    mine.status = error instanceof Problem ? error.status : 500;
    if (mine.status !== 404) setTimeout(forgetRoom, RETRY, mine);
  }
  if (mine === roomDays) show();
}

/** Drops a failed request, so that it is retried.
    @param {typeof roomDays} failed */
function forgetRoom(failed) {
  if (failed === roomDays) roomDays = null;
  show();
}

/** @param {string} code */
export const factsOf = code => campus?.buildings.find(building => building.code === code);

/** Returns a building's opening hours on the shown day; null if it is closed. Data cached by an earlier release lack them, so today's hours
    are the fallback.
    @param {Building} building @returns {Hours | null} */
export function hoursOf(building) {
  return parseHours('opens' in building ? building : factsOf(building.code) ?? {});
}

/** @param {{opens?: string | null, closes?: string | null}} facts @returns {Hours | null} */
export const parseHours = ({opens, closes}) => opens && closes ? {opens: minutesOf(opens), closes: minutesOf(closes)} : null;

/** Returns the answer if it is for the shown day. */
export const current = () => answer?.date === shownDay() ? answer : null;

/** Returns the problem if it is about the shown day. */
export const currentProblem = () => problem && problem.day === shownDay() ? problem : null;

/** Whether to load the data now. A 400 or 404 is not retried: the date is invalid or not kept. */
export function isDue() {
  if (pending?.day === shownDay()) return false;
  const failed = currentProblem();
  if (failed) return ![400, 404].includes(failed.status) && now() >= failed.until;
  return !current() || now() - askedAt >= (isBeingSwept() ? POLL_SWEEP : POLL);
}

/** Returns all rooms of the answer. */
export const allRooms = () => Object.values(answer?.buildings ?? {}).flatMap(({classrooms}) => classrooms);

/** Whether a sweep is probably still running: the data are new, and some rooms are unknown. */
const isBeingSwept = () => answer && now() - Date.parse(answer.last_updated) < SWEEP && allRooms().some(({status}) => status === 'unknown');

/** Returns the last day with data: a sweep covers the days up to the same day of the next month. */
export function lastDay() {
  if (!knowsZone()) return '';
  return answer?.last_updated ? monthAfter(campusClock(Date.parse(answer.last_updated)).date) : dayAfter(campusClock().date, 31);
}
