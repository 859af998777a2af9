// The list of rooms: by building, or one list across the campus.

import {drawScale} from './bar.js';
import {factsOf, hoursOf} from './data.js';
import {element, joined, keep, say, setText, ui} from './dom.js';
import {nothingFree} from './nothing.js';
import {askedTime, currentMode, isChosen, isToday, question} from './question.js';
import {bySoonest, currentSort, inOrder, walkTo} from './rule.js';
import {campusHours, rowOf, SOON} from './rows.js';
import {clock, duration} from './times.js';

/** Number of rows drawn at first, and added by each click on "Show more". */
const AT_ONCE = 20;
/** A search with at most this many matches shows them all, because someone who searches for a room wants to see it even if it is taken. */
const NARROW = 30;
/** Up to this many buildings are expanded at first. If there are more, only the first one is. */
const OPEN = 2;

/** @typedef {{root: HTMLDetailsElement, name: HTMLElement, count: HTMLElement, hours: HTMLElement, map: HTMLAnchorElement, axis: HTMLElement, free: Rows, others: Folded,
      auto?: boolean, group?: Group}} Section */

/** The sections of the buildings, by building code.
    @type {Map<string, Section>} */
const sections = new Map();

/** A list of rows that draws only the first ones, because hundreds are slow on a phone. */
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

/** A collapsed list of rooms that are not free. Its summary has their number and the time when the first becomes free. */
class Folded {
  summary = element('summary');
  rows = new Rows('others');
  root = element('details', {className: 'rest', ontoggle: () => this.drawIfOpen()}, this.summary, this.rows.list, this.rows.more);
  /** @type {Judgement[]} */
  rooms = [];
  auto = false;

  /** @param {Judgement[]} rooms @param {boolean} open whether the list is expanded until the user closes it */
  draw(rooms, open) {
    this.rooms = rooms;
    this.root.hidden = !rooms.length;
    setText(this.summary, summaryOf(rooms));
    if (this.auto !== open) this.root.open = this.auto = open;
    this.drawIfOpen();
  }

  drawIfOpen() {
    if (this.root.open) this.rows.draw(this.rooms);
  }
}

/** Returns "12 not free, 2 unknown · next in 7 min".
    @param {Judgement[]} rooms */
function summaryOf(rooms) {
  const closed = rooms.filter(({hours}) => !hours).length;
  const unknown = rooms.filter(({hours, room}) => hours && room.status === 'unknown').length;
  const taken = rooms.length - closed - unknown;
  const counts = [taken && say('others_taken', {count: taken}), unknown && say('others_unknown', {count: unknown}), closed && say('others_closed', {count: closed})];
  return joined([counts.filter(Boolean).join(', '), nextOf(rooms)]);
}

/** Returns when the first of these rooms becomes free: "next in 7 min" or "next at 2 PM".
    @param {Judgement[]} rooms */
function nextOf(rooms) {
  const [first] = rooms.toSorted(bySoonest), asked = askedTime();
  if (!first?.next || !asked) return '';
  const wait = first.next.from - asked.from;
  return currentMode() === 'now' && wait <= SOON ? say('next_in', {duration: duration(wait)}) : say('next_at', {time: clock(first.next.from)});
}

/** Whether a search has so few matches that all of them are shown. */
let isNarrow = false;

const list = {free: new Rows('free'), others: new Folded()};
const campusAxis = element('div', {className: 'axis', ariaHidden: 'true'});
const acrossCampus = element('section', {className: 'building'}, element('div', {className: 'scale'}, campusAxis), list.free.list, list.free.more, list.others.root);
const folded = {summary: element('summary'), list: element('div'), root: element('details', {className: 'folded'})};
folded.root.append(folded.summary, folded.list);

/** Returns the selected buildings that have a matching room.
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

/** Draws one list across the campus. "Soonest first" includes rooms that are not free yet.
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
  setText(section.hours, joined([building.code, hoursText(hours), walk && say('walk', {duration: duration(walk)}), !free.length && nextOf(others)]));
  const place = mapOf(building.code);
  section.map.hidden = !place;
  if (place) section.map.href = place;
  drawScale(section.root, section.axis, hours);
  // The user's own expanding and collapsing lasts until the question changes.
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

/** Expands all buildings and draws all rows, for printing. */
export function openAll() {
  list.free.showAll();
  for (const section of sections.values()) {
    section.root.open = true;
    drawIfOpen(section);
    section.free.showAll();
  }
}

/** Returns the URL of a map with a marker at the building; undefined if its location is unknown.
    @param {string} code */
export function mapOf(code) {
  const place = factsOf(code)?.location;
  return place && `https://www.openstreetmap.org/?mlat=${place[0]}&mlon=${place[1]}#map=18/${place[0]}/${place[1]}`;
}

/** Returns "open 7 AM – 11 PM", with "closed now" before it if it is, or "closed today".
    @param {Hours | null} hours */
function hoursText(hours) {
  if (!hours) return say(isToday() ? 'closed_today' : 'closed_that_day');
  const asked = askedTime(), {opens, closes} = hours, closed = asked && (asked.from < opens || asked.from >= closes);
  return joined([closed && say(currentMode() === 'now' ? 'closed_now' : 'closed_then'), say('open_hours', {opens: clock(opens), closes: clock(closes)})]);
}
