// The page of one room: its facts, and each day with data.

import {drawBar, drawScale, newBar, spanOf} from './bar.js';
import {answer, current, factsOf, loadRoom, roomDays} from './data.js';
import {element, joined, keep, listed, say, setText, ui} from './dom.js';
import {mapOf} from './list.js';
import {question, root, urlOf} from './question.js';
import {stateTexts} from './rows.js';
import {daysOf, judgedRoom} from './rule.js';
import {campusClock, clock, dayName} from './times.js';

const card = {
  building: element('a'),
  seats: element('span'),
  features: element('ul', {className: 'features'}),
  subscribe: element('a', {className: 'choice'}, say('subscribe')),
  share: element('button', {type: 'button', className: 'choice', onclick: shareRoom}, say('share')),
  map: element('a', {className: 'choice', target: '_blank', rel: 'noreferrer'}, say('map')),
  axis: element('div', {className: 'axis', ariaHidden: 'true'}),
  month: element('ul', {className: 'month'}),
  state: element('p', {className: 'empty'}),
};
const facts = element('p', {className: 'room-facts'}, card.building, card.seats);
const actions = element('p', {className: 'actions'}, card.subscribe, card.share, card.map);
const monthSection = element('section', {className: 'building'}, element('h2', {}, say('room_month')), element('div', {className: 'scale'}, card.axis), card.month, card.state);

/** Shows the room.
    @returns {{headline: string, moment: string, summary: string}} its name, its current state, and a short form of that */
export function showRoom() {
  loadRoom();
  const known = roomOfAnswer(question.room), {days, status} = roomDays ?? {};
  const name = known ? `${known.building.code} ${known.room.name}` : days ? `${days.building_code} ${days.name}` : '';
  showFacts(known);
  showMonth();
  const missing = status === 404;
  keep(ui.rooms, missing ? [ui.notices, card.state] : [ui.notices, facts, card.features, actions, monthSection]);
  ui.rooms.setAttribute('aria-busy', String(!days && !status));
  const now = current() && judgedRoom(question.room), state = now && !missing ? stateTexts(now) : [];
  return {headline: missing ? say('no_such_room') : name || say('free_classrooms'), moment: joined(state), summary: state[0] ?? ''};
}

/** Returns a room of the answer, whatever its day.
    @param {string} id */
function roomOfAnswer(id) {
  for (const building of Object.values(answer?.buildings ?? {})) {
    const room = building.classrooms.find(room => room.id === id);
    if (room) return {building, room};
  }
  return undefined;
}

/** @param {{building: Building, room: Room}} [known] */
function showFacts(known) {
  const code = known?.building.code ?? roomDays?.days?.building_code ?? '';
  const name = known?.building.name ?? factsOf(code)?.name ?? '';
  const {capacity, features = []} = known?.room ?? {};
  setText(card.building, name);
  card.building.href = urlOf({...question, room: '', q: '', buildings: [code]});
  setText(card.seats, capacity ? ` · ${say('seats', {count: capacity})}` : '');
  card.features.hidden = !features.length;
  card.features.replaceChildren(...features.map(feature => element('li', {}, feature)));
  const place = mapOf(code);
  card.map.hidden = !place;
  if (place) card.map.href = place;
  card.subscribe.href = `webcal://${location.host}${root}api/classrooms/${encodeURIComponent(question.room)}/calendar.ics`;
}

/** The inputs of the last drawing. It is repeated only if they change.
    @type {{days?: RoomDays, today: string, minute: number}} */
let drawn = {today: '', minute: -1};

function showMonth() {
  const {days, status} = roomDays ?? {};
  setText(card.state, days ? '' : status === undefined ? say('loading') : say(status === 404 ? 'no_such_room_text' : 'no_data_text'));
  card.state.hidden = Boolean(days);
  const {date: today, minute} = campusClock();
  if (drawn.days === days && drawn.today === today && drawn.minute === minute) return;
  drawn = {days, today, minute};
  const kept = days ? daysOf(days).filter(({date}) => date >= today) : [];
  const scale = spanOf(kept.map(({hours}) => hours));
  drawScale(monthSection, card.axis, scale);
  card.month.replaceChildren(...kept.map(({date, status, hours, times}) => {
    const bar = newBar(), unknown = status === 'unknown', isToday = date === today;
    drawBar(bar, {times, hours, scale, unknown, minute: isToday ? minute : -1});
    return element('li', {className: `${unknown ? 'unknown' : ''} ${isToday ? 'today' : ''}`},
      element('b', {}, dayName(date)), bar, element('span', {}, timesText(hours, times, unknown)));
  }));
}

/** Returns the free times, such as "7:00 AM – 9:05 AM and 1:00 PM – 11:00 PM".
    @param {Hours | null} hours @param {FreeTime[]} times @param {boolean} unknown */
function timesText(hours, times, unknown) {
  if (!hours) return say('closed');
  if (unknown) return say('unknown');
  return times.length ? listed(times.map(({from, until}) => say('span', {from: clock(from), until: clock(until)}))) : say('not_free');
}

async function shareRoom() {
  const url = location.href, {title} = document;
  try {
    if (navigator.share) return await navigator.share({title, url});
    await navigator.clipboard.writeText(url);
    setText(card.share, say('copied'));
    setTimeout(setText, 4000, card.share, say('share'));
  } catch {
    // The user closed the dialog, or the browser does not allow it.
  }
}
