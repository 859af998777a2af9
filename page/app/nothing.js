// The message and the buttons that are shown when no matching room is free.

import {daysOfRoom, hoursOf, otherDay} from './data.js';
import {element, listed, say, ui} from './dom.js';
import {ANY_LENGTH, ask, askDay, askedTime, choose, currentMode, isBackwards, isToday, nextDay, question, shownDay} from './question.js';
import {bySoonest, currentSort, freeTimes} from './rule.js';
import {clock, dayName, duration, minutesOf} from './times.js';

/** A button: its label and its action.
    @typedef {{label: string, onclick: () => void}} Button */

const nothing = element('div', {className: 'empty'});

/** Returns the message and the buttons for a list without a free room.
    @param {Group[]} groups @param {Judgement[]} others */
export function nothingFree(groups, others) {
  const [texts, buttons] = groups.length ? whenNothingIsFree(groups, others) : whenNothingIsFound();
  const key = JSON.stringify([texts, buttons.map(({label}) => label)]);
  if (nothing.dataset.key !== key) {
    nothing.dataset.key = key;
    nothing.replaceChildren(...texts.map(text => element('p', {}, text)),
      ...buttons.map(({label, onclick}) => element('button', {type: 'button', className: 'primary', onclick: () => { onclick(); ui.rooms.focus(); }}, label)));
  }
  return nothing;
}

/** @param {Group[]} groups @param {Judgement[]} others @returns {[string[], Button[]]} */
function whenNothingIsFree(groups, others) {
  // The headline already explains the problem.
  if (isBackwards()) return [[], []];
  const tomorrow = {label: say(isToday() ? 'show_tomorrow' : 'show_next_day'), onclick: () => askDay(nextDay(), {mode: 'day'})};
  const open = groups.map(({building}) => ({building, hours: hoursOf(building)})).filter(({hours}) => hours);
  if (!open.length) return whenAllIsClosed(groups[0], tomorrow);
  const asked = askedTime(), texts = [], buttons = [];
  const short = others.filter(({time, minutes}) => time && minutes < question.min).length;
  if (short) {
    texts.push(say('too_short', {count: short, duration: duration(question.min)}));
    buttons.push({label: say('show_short'), onclick: () => ask({min: ANY_LENGTH})});
  }
  const [first] = others.toSorted(bySoonest);
  if (asked && first?.next) {
    const earliest = Math.min(...open.map(({hours}) => Number(hours?.opens)));
    if (asked.from < earliest) texts.push(opensText(open, earliest));
    const values = {room: roomName(first), time: clock(first.next.from), wait: duration(first.next.from - asked.from)};
    texts.push(say(currentMode() === 'now' ? 'next_room' : 'next_room_at', values));
    if (currentSort() !== 'soonest') buttons.push({label: say('show_soonest'), onclick: () => ask({sort: 'soonest'})});
  } else {
    texts.push(...(short ? [] : [say(isToday() ? 'none_left_today' : 'none_left')]), ...tomorrowTexts(groups));
    buttons.push(tomorrow);
  }
  return [texts, buttons];
}

/** @param {Group} group @param {Button} tomorrow @returns {[string[], Button[]]} */
function whenAllIsClosed({building, free, others}, tomorrow) {
  const days = daysOfRoom([...free, ...others][0].room.id);
  // A blank line reserves the space, so the layout does not shift when the data arrive.
  if (days === undefined) return [[say('all_closed'), '\u00a0'], [tomorrow]];
  const next = days?.days.find(({date, opens}) => opens && date > String(shownDay()));
  if (!next) return [[say('all_closed')], [tomorrow]];
  const day = dayName(next.date, true);
  return [[say('all_closed'), say('opens_on', {building: building.name, day, time: clock(minutesOf(String(next.opens)))})],
    [{label: say('show_day', {day}), onclick: () => askDay(next.date, {mode: 'day'})}]];
}

/** @param {Judgement} judgement */
const roomName = ({building, room}) => `${building.code} ${room.name}`;

/** Returns which of these rooms is free first tomorrow, if that is known.
    @param {Group[]} groups */
function tomorrowTexts(groups) {
  const day = nextDay(), later = isToday() ? otherDay(day) : null;
  // A blank line reserves the space, so the layout does not shift when the data arrive.
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
function opensText(open, earliest) {
  return open.length === 1 ? say('opens_at', {building: open[0].building.name, time: clock(earliest)}) : say('first_opens_at', {time: clock(earliest)});
}

/** @returns {[string[], Button[]]} */
function whenNothingIsFound() {
  const everywhere = {label: say('all_buildings'), onclick: () => choose({buildings: []})};
  return [[nothingFound()], question.buildings.length ? [everywhere] : []];
}

function nothingFound() {
  const buildings = question.buildings.join(', '), text = question.q;
  const needs = listed([...(question.capacity ? [say('seats_or_more', {count: question.capacity})] : []), ...question.features]);
  if (needs) return text ? say('nothing_called_with', {text, needs}) : say('nothing_with', {needs});
  if (!text) return say('no_building', {buildings});
  return buildings ? say('nothing_called_in', {buildings, text}) : say('nothing_called', {text});
}
