// The form. It shows the question, which the user or the URL may change.

import {allRooms, campus, lastDay} from './data.js';
import {say, ui} from './dom.js';
import {ANY_LENGTH, ask, askDay, choose, currentMode, endOf, firstTimes, isToday, question, shownDay, TIME} from './question.js';
import {compareNames, currentSort, setPosition} from './rule.js';
import {report} from './refresh.js';
import {campusClock, dayAfter, duration, isDay, knowsZone, MINUTE, SECOND} from './times.js';

const LENGTHS = [ANY_LENGTH, 30, 60, 90, 120, 180], SIZES = [0, 10, 20, 40, 80, 150];

/** @param {number} minutes */
const lengthName = minutes => minutes > ANY_LENGTH ? say('or_longer', {duration: duration(minutes)}) : say('any_length');
/** @param {number} seats */
const sizeName = seats => seats ? say('seats_or_more', {count: seats}) : say('any_size');

export function showQuestion() {
  const mode = currentMode();
  for (const name of /** @type {const} */ (['q', 'at', 'from'])) setValue(ui[name], question[name]);
  setValue(ui.to, question.to.replace('24:00', '00:00'));
  setValue(ui.date, isDay(shownDay()) ? String(shownDay()) : '');
  showChoice(ui.min, question.min, lengthName(question.min));
  showChoice(ui.sort, currentSort(), '');
  showChoice(ui.capacity, question.capacity, sizeName(question.capacity));
  showChoice(ui.feature, question.features.join(' + '), question.features.join(' + '));
  for (const radio of radios()) {
    radio.checked = radio.value === mode;
    if (radio.value === 'now') radio.disabled = !isToday();
  }
  ui.question.dataset.mode = mode;
  ui['at-time'].hidden = mode !== 'at';
  ui['range-times'].hidden = mode !== 'range';
  ui.today.hidden = isToday();
  showLimits();
}

/** Limits the date field and the arrows to the days with data. */
function showLimits() {
  if (!knowsZone()) return;
  const first = campusClock().date, last = lastDay(), day = String(shownDay());
  Object.assign(ui.date, {min: first, max: last});
  ui.previous.disabled = !isDay(day) || day <= first;
  ui.next.disabled = !isDay(day) || day >= last;
}

/** @returns {NodeListOf<HTMLInputElement>} */
const radios = () => document.querySelectorAll('[name=mode]');

/** Sets a field, unless it has focus and is a half-typed date or time, whose value is empty.
    @param {HTMLInputElement | HTMLSelectElement} field @param {string} value */
function setValue(field, value) {
  const halfFilled = field === document.activeElement && ['date', 'time'].includes(field.type) && !field.value;
  if (field.value !== value && !halfFilled) field.value = value;
}

/** Selects a value. A link may have a value that is not an option, so it is added.
    @param {HTMLSelectElement} select @param {string | number} chosen @param {string} label */
function showChoice(select, chosen, label) {
  const value = String(chosen);
  if (![...select.options].some(option => option.value === value)) select.append(new Option(label, value));
  setValue(select, value);
}

/** @type {unknown} */
let offeredFor;

/** Shows the filters and sort orders that the campus file has data for: size, features and distance.
    @param {unknown} answer */
export function offerChoices(answer) {
  if (offeredFor === answer) return;
  offeredFor = answer;
  const rooms = allRooms(), places = campus?.buildings.filter(({location}) => location).length ?? 0;
  const features = [...new Set(rooms.flatMap(({features}) => features ?? []))].sort(compareNames);
  const known = [...ui.feature.options].map(({value}) => value);
  ui.feature.append(...features.filter(feature => !known.includes(feature)).map(feature => new Option(feature, feature)));
  ui.seats.hidden = !rooms.some(({capacity}) => capacity);
  ui.equipment.hidden = !features.length;
  ui.sort.querySelector('[value=capacity]').hidden = ui.seats.hidden;
  ui.sort.querySelector('[value=nearest]').hidden = places < 2 || !isSecureContext || !navigator.geolocation;
}

/** Asks the browser for the position. It never leaves this page. */
function askNearest() {
  report(say('locating'));
  navigator.geolocation.getCurrentPosition(({coords}) => {
    setPosition(coords);
    report('');
    ask({sort: 'nearest'});
  }, () => {
    report(say('no_position'), true);
    ui.sort.value = currentSort();
  }, {timeout: 15 * SECOND, maximumAge: 5 * MINUTE});
}

for (const [select, values, name] of /** @type {const} */ ([[ui.min, LENGTHS, lengthName], [ui.capacity, SIZES, sizeName]]))
  select.append(...values.map(value => new Option(name(value), String(value))));
ui.question.addEventListener('submit', (/** @type {Event} */ event) => event.preventDefault());
ui.q.addEventListener('input', () => ask({q: ui.q.value}, true));
for (const name of ['at', 'from', 'to'])
  ui[name].addEventListener('change', () => TIME.test(ui[name].value) && ask({[name]: name === 'to' ? endOf(ui.to.value) : ui[name].value}, true));
for (const radio of radios()) radio.addEventListener('change', () => ask({mode: /** @type {Mode} */ (radio.value), ...firstTimes(radio.value)}));
ui.date.addEventListener('change', () => askDay(ui.date.value));
for (const [button, step] of /** @type {const} */ ([[ui.previous, -1], [ui.next, 1]]))
  button.addEventListener('click', () => isDay(shownDay()) && askDay(dayAfter(String(shownDay()), step)));
ui.today.addEventListener('click', () => { askDay(''); ui.date.focus(); });
ui.min.addEventListener('change', () => choose({min: Number(ui.min.value)}));
ui.sort.addEventListener('change', () => ui.sort.value === 'nearest' ? askNearest() : choose({sort: ui.sort.value}));
ui.capacity.addEventListener('change', () => ask({capacity: Number(ui.capacity.value)}));
ui.feature.addEventListener('change', () => ask({features: ui.feature.value ? [ui.feature.value] : []}));
