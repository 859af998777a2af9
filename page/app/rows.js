// The rows of the list, one for each room.

import {drawBar, newBar, spanOf} from './bar.js';
import {answer, hoursOf} from './data.js';
import {element, joined, say, setText, ui} from './dom.js';
import {ask, askedTime, askHref, currentMode, isToday, question, roomOf, root, shownDay, urlOf} from './question.js';
import {currentSort, walkTo} from './rule.js';
import {campusClock, clock, DAY_END, duration, shownFrom} from './times.js';

/** Within this many minutes, a room becomes free "in 7 min"; later, "at 2 PM". */
export const SOON = 60;

/** @typedef {{root: HTMLElement, parts: Record<string, HTMLElement>, shown?: Judgement, key?: string}} Row */

/** The rows, by room id. A row is created once and updated when its content changes.
    @type {Map<string, Row>} */
const rows = new Map();

/** Returns the hours of the whole campus on the day of the answer, the scale of the campus-wide list.
    @returns {Hours | null} */
export function campusHours() {
  if (spanned.of !== answer) spanned = {of: answer, hours: spanOf(Object.values(answer?.buildings ?? {}).map(hoursOf))};
  return spanned.hours;
}

/** @type {{of: unknown, hours: Hours | null}} */
let spanned = {of: null, hours: null};

/** Returns the row of a room.
    @param {Judgement} judgement */
export function rowOf(judgement) {
  const {room, building} = judgement;
  const row = rows.get(room.id) ?? newRow(room.id);
  const key = JSON.stringify([currentSort(), currentMode(), walkTo(building.code)]);
  if (row.shown === judgement && row.key === key) return row.root;
  Object.assign(row, {shown: judgement, key});
  fill(row, judgement);
  return row.root;
}

/** The empty row that the others are cloned from. */
const pattern = element('li', {className: 'room'},
  element('p', {className: 'name'}, element('a')), element('p', {className: 'answer'}, element('b'), element('span')),
  newBar(), element('p', {className: 'facts'}), element('p', {className: 'note'}));

/** @param {string} id @returns {Row} */
function newRow(id) {
  /** @type {any} */
  const root = pattern.cloneNode(true), [name, answer, bar, facts, note] = root.children;
  const [link] = name.children, [what, howLong] = answer.children;
  link.href = urlOf({...question, room: id});
  const row = {root, parts: {link, what, howLong, bar, facts, note}};
  rows.set(id, row);
  return row;
}

/** @param {Row} row @param {Judgement} judgement */
function fill({root, parts}, judgement) {
  const {room, building, free, hours} = judgement;
  const unknown = Boolean(hours) && room.status === 'unknown';
  root.className = `room ${unknown ? 'unknown' : free ? '' : 'taken'}`;
  setText(parts.link, `${building.code} ${room.name}`);
  setText(parts.facts, rowFacts(judgement));
  const [what, howLong = ''] = stateTexts(judgement);
  setText(parts.what, what);
  setText(parts.howLong, howLong);
  const [note, warns] = noteOf(judgement);
  setText(parts.note, note);
  parts.note.classList.toggle('warn', warns);
  const scale = currentSort() === 'name' ? hours : campusHours();
  drawBar(parts.bar, {...judgement, scale, unknown, asked: askedTime(), minute: isToday() ? campusClock().minute : -1});
}

/** Returns the number of seats. In the campus-wide list, the building and the walking time come first.
    @param {Judgement} judgement */
function rowFacts({room, building}) {
  const walk = walkTo(building.code), inList = currentSort() !== 'name';
  return joined([inList && building.name, inList && walk && say('walk', {duration: duration(walk)}), room.capacity && say('seats', {count: room.capacity})]);
}

/** Returns "Free until 2:00 PM" and "2 h 10 min, then booked", or why the room is not free.
    @param {Judgement} judgement @returns {string[]} */
export function stateTexts({room, free, time, minutes, next, hours}) {
  if (!hours) return [say('closed')];
  if (room.status === 'unknown') return [say('unknown')];
  const asked = askedTime(), starts = isToday() ? campusClock().minute : -1;
  if (time && !asked && time.from !== starts) return [say('span', {from: clock(time.from), until: clock(time.until)}), howLongIs(time, minutes, hours)];
  if (time && (free || !next)) return [say(free ? 'free_until' : 'only_until', {time: clock(time.until)}), howLongIs(time, minutes, hours)];
  if (next && asked) {
    const wait = next.from - asked.from, soon = currentMode() === 'now' && wait <= SOON;
    return [soon ? say('free_in', {duration: duration(wait)}) : say('free_from', {time: clock(next.from)}), duration(next.minutes)];
  }
  return [say(asked ? 'free_again_no' : 'not_free')];
}

/** Returns how long a room is free and what comes next: a booking or closing time. A building that is open all day has no closing time.
    @param {FreeTime} time @param {number} minutes @param {Hours} hours */
function howLongIs({until}, minutes, {opens, closes}) {
  const length = duration(minutes);
  if (until < shownFrom(String(shownDay()), closes)) return say('then_booked', {length});
  return opens === 0 && closes === DAY_END ? length : say('then_closed', {length});
}

/** @param {Judgement} judgement @returns {[string, boolean]} */
function noteOf({room, times, hours}) {
  if (!hours) return ['', false];
  if (room.status === 'unknown') return [say('unknown_note'), true];
  if (room.status === 'stale') return [say('stale_note'), true];
  const day = String(shownDay()), {opens, closes} = hours;
  const unbooked = times.length === 1 && times[0].from === shownFrom(day, opens) && times[0].until === shownFrom(day, closes);
  return [unbooked ? say('unbooked_note') : '', false];
}

/** Handles a click on a link within the page: shows the other view without loading the page.
    @param {MouseEvent} event */
export function follow(event) {
  const link = event.target instanceof Element && event.target.closest('a');
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const {origin, pathname, hash} = new URL(link.href), room = roomOf(pathname);
  if (origin !== location.origin || hash || !room && pathname !== `${root}app`) return;
  event.preventDefault();
  if (room) ask({room});
  else askHref(link.href);
  scrollTo(0, 0);
  ui.headline.focus();
}
