// The bar of a day: it runs from opening to closing time, and free times are filled.

import {element, listed, say, setText} from './dom.js';
import {clock, hourName} from './times.js';

/** @param {Hours} hours @param {number} minutes */
const part = ({opens, closes}, minutes) => `${100 * minutes / (closes - opens)}%`;

/** @param {HTMLElement} node @param {Hours} hours @param {number} from @param {number} until */
function place(node, hours, from, until) {
  const start = Math.max(from, hours.opens);
  node.style.cssText = `--from:${part(hours, start - hours.opens)};--span:${part(hours, Math.max(0, Math.min(until, hours.closes) - start))}`;
  return node;
}

export const newBar = () => element('div', {className: 'bar', role: 'img'});

/** Draws the bar of a day. `scale` is the span of the bar, by default the opening hours. `asked` is the time asked for. `minute` is the current
    minute, or -1 if the day is not today.
    @param {HTMLElement} bar
    @param {{times: FreeTime[], hours: Hours | null, scale?: Hours | null, unknown: boolean, time?: FreeTime, asked?: Asked | null, minute: number}} day */
export function drawBar(bar, {times, hours, scale = hours, unknown, time, asked, minute}) {
  bar.ariaLabel = dayText(times, hours, unknown);
  bar.replaceChildren();
  if (!hours || !scale || unknown) return;
  const {opens, closes} = scale, current = times.find(({until}) => until === time?.until);
  bar.append(...times.map(free => place(element('i', {className: free === current ? 'current' : ''}), scale, free.from, free.until)));
  /** @type {[string, number, number][]} */
  const marks = [['past', opens, minute], asked?.from === minute ? ['now mark', minute, minute] : ['now', minute, minute]];
  if (asked && asked.from !== minute) marks.push([asked.from === asked.to ? 'mark' : 'range', asked.from, asked.to]);
  for (const [className, from, until] of marks)
    if (until >= opens && from <= closes) bar.append(place(element('i', {className}), scale, from, until));
}

/** @param {FreeTime[]} times @param {Hours | null} hours @param {boolean} unknown */
function dayText(times, hours, unknown) {
  if (!hours) return say('closed');
  if (unknown) return say('bar_unknown');
  const spans = times.map(({from, until}) => say('bar_span', {from: clock(from), until: clock(until)}));
  const free = spans.length ? say('bar_free', {times: listed(spans)}) : say('not_free');
  return say('bar', {opens: clock(hours.opens), closes: clock(hours.closes), free});
}

/** Returns the hours that span several days or buildings, so that their bars share one scale. Time outside a building's own hours is not free.
    @param {(Hours | null)[]} all @returns {Hours | null} */
export function spanOf(all) {
  const open = all.flatMap(hours => hours ?? []);
  return open.length ? {opens: Math.min(...open.map(({opens}) => opens)), closes: Math.max(...open.map(({closes}) => closes))} : null;
}

/** Draws the scale of the bars in `root`: a line at each full hour, and a label for every third hour in `axis`.
    @param {HTMLElement} root @param {HTMLElement} axis @param {Hours | null} hours */
export function drawScale(root, axis, hours) {
  const key = JSON.stringify(hours);
  if (axis.dataset.hours === key) return;
  axis.dataset.hours = key;
  axis.replaceChildren();
  if (!hours) return;
  const {opens, closes} = hours, first = Math.ceil(opens / 60) * 60;
  root.style.setProperty('--first-hour', part(hours, first - opens));
  root.style.setProperty('--hour', `${100 * 60 / (closes - first)}%`);
  for (let hour = Math.ceil(opens / 180) * 180; hour < closes; hour += 180) {
    const label = element('span', {className: hour === opens ? 'first' : ''});
    setText(label, hourName(hour));
    label.style.setProperty('--from', part(hours, hour - opens));
    axis.append(label);
  }
}
