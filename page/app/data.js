// What the API says: the campus, the rooms of one day, the days of one room.

import {show} from './dom.js';
import {question, root, shownDay} from './question.js';
import {campusClock, compareClocks, dayAfter, knowsZone, MINUTE, minutesOf, monthAfter, now, SECOND, useZoneOf} from './times.js';

/** How often the data are asked for again; an answer that has not changed is a 304. */
const POLL = 5 * MINUTE;
/** The same during a sweep that has published its first answers. */
const POLL_SWEEP = 15 * SECOND;
/** A sweep that has published them ends within this time, mostly. */
const SWEEP = 2 * MINUTE;
/** After this pause data that failed are asked for again, unless the server names another. */
const RETRY = 30 * SECOND;
/** A refresh may take half a minute; an answer that takes longer will not come. */
const TIMEOUT = 45 * SECOND;
/** For so long after a refresh a CDN may show older data: a minute at most, and as much again to be on the safe side. */
const CDN = 2 * MINUTE;

/** What the API says of the campus.
    @type {Campus | null} */
export let campus = null;
/** The rooms of one day.
    @type {Answer | null} */
export let answer = null;
/** The days of the room whose page is shown, or why they are not there.
    @type {{id: string, sweep?: string, days?: RoomDays, status?: number} | null} */
export let roomDays = null;
/** Why there is nothing newer of that day.
    @type {{status: number, day: string | null, until: number} | null} */
export let problem = null;
/** When the data were last asked for. */
export let askedAt = 0;
/** The request that is under way, and its day; what older ones bring is dropped.
    @type {{day: string | null} | null} */
let pending = null;
/** Answers that the service worker kept, because the network is down.
    @type {WeakSet<object>} */
const kept = new WeakSet();
/** The refresh that this tab has made or heard of, as long as a CDN may show older data.
    @type {{seen: string, since: number, until: number} | null} */
let lastSeen = rememberedRefresh();

/** An answer that is an error, or none at all (status 0). */
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

/** A path with its query. After a refresh the query has `seen`: a CDN keeps the answers to that apart from older ones.
    @param {string} path @param {Record<string, string>} [query] */
export function pathOf(path, query = {}) {
  if (lastSeen && now() >= lastSeen.until && answer && Date.parse(answer.last_updated) >= lastSeen.since) rememberRefresh(null);
  const given = String(new URLSearchParams(lastSeen ? {...query, seen: lastSeen.seen} : query));
  return given ? `${path}?${given}` : path;
}

/** From now on this tab asks for the data of a refresh, which are not older than `since`.
    @param {string} timestamp @param {number} [since] */
export function sawRefresh(timestamp, since = Date.parse(timestamp)) {
  rememberRefresh({seen: timestamp, since, until: now() + CDN});
}

/** Remembers the refresh, also when the page is loaded again.
    @param {typeof lastSeen} refresh */
function rememberRefresh(refresh) {
  lastSeen = refresh;
  try {
    sessionStorage.setItem('refresh', JSON.stringify(refresh));
  } catch {
    // The browser stores nothing.
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

/** Asks for the rooms of the day that is shown. */
export async function load() {
  const mine = {day: shownDay()};
  pending = mine;
  askedAt = now();
  try {
    const open = call(pathOf('api/open-classrooms', mine.day ? {date: mine.day} : {}));
    open.catch(() => {});  // It is waited for below.
    campus ?? await learnCampus();
    /** @type {Answer} */
    const newer = await open;
    // A building may be new.
    if (!Object.values(newer.buildings).every(building => 'opens' in building || factsOf(building.code))) await learnCampus();
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

async function learnCampus() {
  const facts = await call('api/buildings');
  campus = facts;
  useZoneOf(facts);
}

/** What is asked for once for each sweep, by its path: undefined as long as it is on the way, null if it cannot be had.
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

/** The rooms of another day than the one that is shown.
    @param {string} date @returns {Answer | null | undefined} */
export const otherDay = date => aside('api/open-classrooms', {date});

/** The days of a room, which tell when its building opens.
    @param {string} id @returns {RoomDays | null | undefined} */
export const daysOfRoom = id => aside(`api/classrooms/${encodeURIComponent(id)}/days`);

/** Asks for the days of the room whose page is shown, unless they are there or under way. What is shown stays until newer ones arrive. */
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

/** What could not be had is asked for again.
    @param {typeof roomDays} failed */
function forgetRoom(failed) {
  if (failed === roomDays) roomDays = null;
  show();
}

/** @param {string} code */
export const factsOf = code => campus?.buildings.find(building => building.code === code);

/** A building's opening hours on the day that is shown; null if it is closed. Data that an earlier release cached do not have them: then
    today's stand in.
    @param {Building} building @returns {Hours | null} */
export function hoursOf(building) {
  return parseHours('opens' in building ? building : factsOf(building.code) ?? {});
}

/** @param {{opens?: string | null, closes?: string | null}} facts @returns {Hours | null} */
export const parseHours = ({opens, closes}) => opens && closes ? {opens: minutesOf(opens), closes: minutesOf(closes)} : null;

/** The answer, if it is about the day that is asked for. */
export const current = () => answer?.date === shownDay() ? answer : null;

/** Why the day that is asked for is not to be had. */
export const trouble = () => problem && problem.day === shownDay() ? problem : null;

/** Whether the data should be asked for, again or for the first time. A day that is not kept will not come by asking. */
export function isDue() {
  if (pending?.day === shownDay()) return false;
  const failed = trouble();
  if (failed) return ![400, 404].includes(failed.status) && now() >= failed.until;
  return !current() || now() - askedAt >= (isBeingSwept() ? POLL_SWEEP : POLL);
}

/** All rooms of the answer. */
export const allRooms = () => Object.values(answer?.buildings ?? {}).flatMap(({classrooms}) => classrooms);

/** Whether more rooms may be known in a moment: some are not, and the data are new. */
const isBeingSwept = () => answer && now() - Date.parse(answer.last_updated) < SWEEP && allRooms().some(({status}) => status === 'unknown');

/** The last day that is kept: the sweep brings the same day of the next month. */
export function lastDay() {
  if (!knowsZone()) return '';
  return answer?.last_updated ? monthAfter(campusClock(Date.parse(answer.last_updated)).date) : dayAfter(campusClock().date, 31);
}
