// The list of rooms: by building, or one across the campus.

import {drawScale} from './bar.js';
import {daysOfRoom, factsOf, hoursOf, otherDay} from './data.js';
import {element, joined, keep, listed, say, setText, ui} from './dom.js';
import {ANY_LENGTH, ask, askDay, askedTime, choose, currentMode, isChosen, isToday, nextDay, question, shownDay} from './question.js';
import {bySoonest, currentSort, freeTimes, inOrder, walkTo} from './rule.js';
import {campusHours, rowOf} from './rows.js';
import {clock, dayName, duration, minutesOf} from './times.js';

/** So many rows are drawn at first; a button shows the next ones. */
const AT_ONCE = 20;
/** A search that finds no more rooms than this shows all of them: a person who looks for a room wants to see it, taken or not. */
const NARROW = 30;
/** Up to so many buildings are open from the start; of more, only the first. */
const OPEN = 2;

/** @typedef {{root: HTMLDetailsElement, name: HTMLElement, count: HTMLElement, hours: HTMLElement, map: HTMLAnchorElement, axis: HTMLElement, free: Rows, others: Folded,
      auto?: boolean, group?: Group}} Section */

/** The buildings' sections, by their codes.
    @type {Map<string, Section>} */
const sections = new Map();

/** Rows, of which the first ones are drawn: a phone takes long for hundreds. */
class Rows {
  list = element('ul');
  more = element('button', {type: 'button', className: 'more', onclick: () => this.showMore()});
  limit = AT_ONCE;
  /** @type {Judgement[]} */
  rooms = [];

  /** @param {string} className */
  constructor(className) {
    this.list.className = className;
  }

  /** @param {Judgement[]} rooms */
  draw(rooms) {
    this.rooms = rooms;
    keep(this.list, rooms.slice(0, this.limit).map(rowOf));
    this.more.hidden = rooms.length <= this.limit;
    setText(this.more, say('show_more', {count: Math.min(AT_ONCE, rooms.length - this.limit)}));
  }

  showAll() {
    this.limit = Infinity;
    this.draw(this.rooms);
  }

  showMore() {
    const shown = this.list.children.length;
    this.limit += AT_ONCE;
    this.draw(this.rooms);
    this.list.children[shown]?.querySelector('a').focus();
  }
}

/** Rooms that are not free, behind a line that says how many and when the first becomes free. */
class Folded {
  summary = element('summary');
  rows = new Rows('others');
  root = element('details', {className: 'rest', ontoggle: () => this.drawIfOpen()}, this.summary, this.rows.list, this.rows.more);
  /** @type {Judgement[]} */
  rooms = [];
  auto = false;

  /** @param {Judgement[]} rooms @param {boolean} open whether they are shown unless a person closes them */
  draw(rooms, open) {
    this.rooms = rooms;
    this.root.hidden = !rooms.length;
    setText(this.summary, inSum(rooms));
    if (this.auto !== open) this.root.open = this.auto = open;
    this.drawIfOpen();
  }

  drawIfOpen() {
    if (this.root.open) this.rows.draw(this.rooms);
  }
}

/** "12 not free, 2 unknown · next in 7 min".
    @param {Judgement[]} rooms */
function inSum(rooms) {
  const closed = rooms.filter(({hours}) => !hours).length;
  const unknown = rooms.filter(({hours, room}) => hours && room.status === 'unknown').length;
  const taken = rooms.length - closed - unknown;
  const counts = [taken && say('others_taken', {count: taken}), unknown && say('others_unknown', {count: unknown}), closed && say('others_closed', {count: closed})];
  return joined([counts.filter(Boolean).join(', '), nextOf(rooms)]);
}

/** When the first of these rooms becomes free.
    @param {Judgement[]} rooms */
function nextOf(rooms) {
  const [first] = rooms.toSorted(bySoonest), asked = askedTime();
  if (!first?.next || !asked) return '';
  const wait = first.next.from - asked.from;
  return currentMode() === 'now' && wait <= 60 ? say('next_in', {duration: duration(wait)}) : say('next_at', {time: clock(first.next.from)});
}

/** Whether a search has found so few rooms that all of them are shown. */
let isNarrow = false;

const list = {free: new Rows('free'), others: new Folded()};
const campusAxis = element('div', {className: 'axis', ariaHidden: 'true'});
const acrossCampus = element('section', {className: 'building'}, element('div', {className: 'scale'}, campusAxis), list.free.list, list.free.more, list.others.root);
const folded = {summary: element('summary'), list: element('div'), root: element('details', {className: 'folded'})};
folded.root.append(folded.summary, folded.list);
const nothing = element('div', {className: 'empty'});

/** Those buildings that are asked for and have a room that matches.
    @param {Group[]} groups */
export const chosenOf = groups => groups.filter(({building, free, others}) =>
  (!question.buildings.length || isChosen(building.code)) && free.length + others.length > 0);

/** @param {Group[]} groups */
export function showRooms(groups) {
  ui.rooms.setAttribute('aria-busy', 'false');
  const free = groups.flatMap(({free}) => free), others = groups.flatMap(({others}) => others);
  isNarrow = Boolean(question.q) && free.length + others.length <= NARROW;
  const parts = currentSort() === 'name' ? byBuilding(groups) : acrossAll(free, others);
  if (!free.length) parts.unshift(nothingFree(groups, others));
  keep(ui.rooms, [ui.notices, ...parts]);
}

/** One list across the campus. "Soonest free" has the rooms in it that are not free yet.
    @param {Judgement[]} free @param {Judgement[]} others */
function acrossAll(free, others) {
  const coming = currentSort() === 'soonest' ? others.filter(({next}) => next) : [];
  list.free.draw([...free, ...coming].sort(currentSort() === 'soonest' ? bySoonest : inOrder));
  list.others.draw(others.filter(judgement => !coming.includes(judgement)).sort(bySoonest), isNarrow);
  drawScale(acrossCampus, campusAxis, campusHours());
  acrossCampus.hidden = !free.length && !others.length;
  return [acrossCampus];
}

/** @param {Group[]} groups */
function byBuilding(groups) {
  const few = isNarrow || groups.length <= OPEN;
  const [having, without] = [groups.filter(({free}) => free.length), groups.filter(({free}) => !free.length)];
  const folds = !isNarrow && without.length > OPEN;
  const shown = folds ? having : groups;
  const nodes = shown.map((group, index) => showBuilding(group, few || index === 0 || isChosen(group.building.code)));
  if (folds) {
    setText(folded.summary, say('folded', {count: without.length}));
    keep(folded.list, without.map(group => showBuilding(group, false)));
    nodes.push(folded.root);
  }
  return nodes;
}

/** @param {Building} building @returns {Section} */
function newSection({code}) {
  /** @param {string} tag @param {string} [className] */
  const part = (tag, className = '') => element(tag, {className});
  const section = {
    root: element('details', {className: 'building'}), name: part('h2'), count: part('p', 'count'), hours: part('p', 'hours soft'),
    map: element('a', {className: 'map', target: '_blank', rel: 'noreferrer'}, say('map')), axis: part('div', 'axis'), free: new Rows('free'), others: new Folded(),
  };
  section.axis.ariaHidden = 'true';
  section.root.append(
    element('summary', {className: 'head'}, section.name, section.count, section.hours),
    element('div', {className: 'scale'}, section.axis),
    section.free.list, section.free.more, section.others.root, section.map);
  section.root.ontoggle = () => drawIfOpen(section);
  sections.set(code, section);
  return section;
}

/** @param {Group} group @param {boolean} open */
function showBuilding(group, open) {
  const {building, free, others} = group, hours = hoursOf(building), walk = walkTo(building.code);
  const section = sections.get(building.code) ?? newSection(building);
  section.group = group;
  setText(section.name, building.name);
  const counts = {free: free.length, all: free.length + others.length};
  setText(section.count, !hours ? say('closed') : say(currentMode() === 'day' ? 'rooms_of' : 'free_of', counts));
  section.count.classList.toggle('none', !free.length);
  setText(section.hours, joined([building.code, openInWords(hours), walk && say('walk', {duration: duration(walk)}), !free.length && nextOf(others)]));
  const place = mapOf(building.code);
  section.map.hidden = !place;
  if (place) section.map.href = place;
  drawScale(section.root, section.axis, hours);
  // What a person opened or closed stays so until another question.
  if (section.auto !== open) section.root.open = section.auto = open;
  drawIfOpen(section);
  return section.root;
}

/** @param {Section} section */
function drawIfOpen({root, group, free, others}) {
  if (!root.open || !group) return;
  free.draw(group.free);
  others.draw(group.others, isNarrow);
}

/** Opens all buildings and shows all rows, so that they are printed. */
export function openAll() {
  list.free.showAll();
  for (const section of sections.values()) {
    section.root.open = true;
    drawIfOpen(section);
    section.free.showAll();
  }
}

/** A map with a mark at the building; undefined if its place is not known.
    @param {string} code */
export function mapOf(code) {
  const place = factsOf(code)?.location;
  return place && `https://www.openstreetmap.org/?mlat=${place[0]}&mlon=${place[1]}#map=18/${place[0]}/${place[1]}`;
}

/** "open 7 AM – 11 PM", or that it is closed.
    @param {Hours | null} hours */
function openInWords(hours) {
  if (!hours) return say(isToday() ? 'closed_today' : 'closed_that_day');
  const asked = askedTime(), {opens, closes} = hours, closed = asked && (asked.from < opens || asked.from >= closes);
  return joined([closed && say(currentMode() === 'now' ? 'closed_now' : 'closed_then'), say('open_hours', {opens: clock(opens), closes: clock(closes)})]);
}

/** What to say, and to offer, when no room is free as asked.
    @param {Group[]} groups @param {Judgement[]} others */
function nothingFree(groups, others) {
  const [texts, ways] = groups.length ? whenNothingIsFree(groups, others) : whenNothingIsFound();
  const key = JSON.stringify([texts, ways.map(({label}) => label)]);
  if (nothing.dataset.key !== key) {
    nothing.dataset.key = key;
    nothing.replaceChildren(...texts.map(text => element('p', {}, text)),
      ...ways.map(({label, way}) => element('button', {type: 'button', className: 'primary', onclick: () => { way(); ui.rooms.focus(); }}, label)));
  }
  return nothing;
}

/** @param {Group[]} groups @param {Judgement[]} others @returns {[string[], {label: string, way: () => void}[]]} */
function whenNothingIsFree(groups, others) {
  const tomorrow = {label: say(isToday() ? 'show_tomorrow' : 'show_next_day'), way: () => askDay(nextDay(), {mode: 'day'})};
  const open = groups.map(({building}) => ({building, hours: hoursOf(building)})).filter(({hours}) => hours);
  if (!open.length) return whenAllIsClosed(groups[0], tomorrow);
  const asked = askedTime(), texts = [], ways = [];
  const short = others.filter(({time, minutes}) => time && minutes < question.min).length;
  if (short) {
    texts.push(say('too_short', {count: short, duration: duration(question.min)}));
    ways.push({label: say('show_short'), way: () => ask({min: ANY_LENGTH})});
  }
  const [first] = others.toSorted(bySoonest);
  if (asked && first?.next) {
    const earliest = Math.min(...open.map(({hours}) => Number(hours?.opens)));
    if (asked.from < earliest) texts.push(opensInWords(open, earliest));
    const values = {room: roomName(first), time: clock(first.next.from), wait: duration(first.next.from - asked.from)};
    texts.push(say(currentMode() === 'now' ? 'next_room' : 'next_room_at', values));
    if (currentSort() !== 'soonest') ways.push({label: say('show_soonest'), way: () => ask({sort: 'soonest'})});
  } else {
    texts.push(...(short ? [] : [say(isToday() ? 'none_left_today' : 'none_left')]), ...tomorrowInWords(groups));
    ways.push(tomorrow);
  }
  return [texts, ways];
}

/** @param {Group} group @param {{label: string, way: () => void}} tomorrow @returns {[string[], {label: string, way: () => void}[]]} */
function whenAllIsClosed({building, free, others}, tomorrow) {
  const days = daysOfRoom([...free, ...others][0].room.id);
  // The line has its place before it can be written, so nothing moves then.
  if (days === undefined) return [[say('all_closed'), '\u00a0'], [tomorrow]];
  const next = days?.days.find(({date, opens}) => opens && date > String(shownDay()));
  if (!next) return [[say('all_closed')], [tomorrow]];
  const day = dayName(next.date, true);
  return [[say('all_closed'), say('opens_on', {building: building.name, day, time: clock(minutesOf(String(next.opens)))})],
    [{label: say('show_day', {day}), way: () => askDay(next.date, {mode: 'day'})}]];
}

/** @param {Judgement} judgement */
const roomName = ({building, room}) => `${building.code} ${room.name}`;

/** When the first of these rooms is free tomorrow, if that is known.
    @param {Group[]} groups */
function tomorrowInWords(groups) {
  const day = nextDay(), later = isToday() ? otherDay(day) : null;
  // The line has its place before it can be written, so nothing moves then.
  if (later === undefined) return ['\u00a0'];
  const starts = groups.flatMap(group => [...group.free, ...group.others]).flatMap(judgement => {
    const building = later?.buildings[judgement.building.code], room = building?.classrooms.find(({id}) => id === judgement.room.id);
    const time = building && room && freeTimes(room.availability, hoursOf(building), day).find(({minutes}) => minutes >= question.min);
    return time ? {judgement, from: time.from} : [];
  });
  if (!starts.length) return [];
  const first = starts.reduce((a, b) => b.from < a.from ? b : a);
  return [say('next_room_tomorrow', {room: roomName(first.judgement), time: clock(first.from)})];
}

/** @param {{building: Building, hours: Hours | null}[]} open @param {number} earliest */
function opensInWords(open, earliest) {
  return open.length === 1 ? say('opens_at', {building: open[0].building.name, time: clock(earliest)}) : say('first_opens_at', {time: clock(earliest)});
}

/** @returns {[string[], {label: string, way: () => void}[]]} */
function whenNothingIsFound() {
  const everywhere = {label: say('all_buildings'), way: () => choose({buildings: []})};
  return [[nothingFound()], question.buildings.length ? [everywhere] : []];
}

function nothingFound() {
  const buildings = question.buildings.join(', '), text = question.q;
  const needs = listed([...(question.capacity ? [say('seats_or_more', {count: question.capacity})] : []), ...question.features]);
  if (needs) return text ? say('nothing_called_with', {text, needs}) : say('nothing_with', {needs});
  if (!text) return say('no_building', {buildings});
  return buildings ? say('nothing_called_in', {buildings, text}) : say('nothing_called', {text});
}
