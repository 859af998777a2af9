// The dialog for choosing buildings. Each choice is applied immediately.

import {element, keep, number, say, setText, ui} from './dom.js';
import {factsOf} from './data.js';
import {choose, isChosen, question} from './question.js';
import {squeeze, walkTo} from './rule.js';
import {duration} from './times.js';

/** @typedef {{root: HTMLElement, box: HTMLInputElement, name: HTMLElement, code: HTMLElement, count: HTMLElement, text: string}} Choice */

/** The choices, by building code.
    @type {Map<string, Choice>} */
const choices = new Map();

/** @param {Building} building @returns {Choice} */
function newChoice({code, name}) {
  const parts = {box: element('input', {type: 'checkbox', value: code}), name: element('span', {className: 'long'}), code: element('b'), count: element('span', {className: 'soft'})};
  const choice = {...parts, root: element('label', {}, parts.box, parts.code, parts.name, parts.count), text: squeeze(`${code} ${name}`)};
  choices.set(code, choice);
  return choice;
}

/** Shows the choices, and the current choice on the button that opens the dialog.
    @param {Group[]} groups all buildings @param {number} free the number of matching free rooms */
export function showPicker(groups, free) {
  ui.choose.hidden = groups.length < 2;
  setText(ui.choose, chosenText(groups));
  ui.choose.classList.toggle('chosen', question.buildings.length > 0);
  setText(ui['picker-done'], free ? say('show_rooms', {count: free}) : say('show_no_rooms'));
  if (ui.picker.open) drawChoices(groups);
  else lastGroups = groups;
}

/** @type {Group[]} */
let lastGroups = [];

/** @param {Group[]} groups */
function drawChoices(groups) {
  lastGroups = groups;
  const wanted = squeeze(ui['picker-q'].value);
  const shown = groups.map(({building, free}) => {
    const choice = choices.get(building.code) ?? newChoice(building), walk = walkTo(building.code);
    setText(choice.code, building.code);
    setText(choice.name, building.name);
    setText(choice.count, walk ? `${number.format(free.length)} · ${duration(walk)}` : say('free_count', {count: free.length}));
    choice.box.checked = isChosen(building.code);
    return {choice, walk: walk ?? Infinity};
  }).filter(({choice}) => choice.text.includes(wanted));
  keep(ui['picker-list'], shown.sort((a, b) => a.walk === b.walk ? 0 : a.walk - b.walk).map(({choice}) => choice.root));
  setText(ui['picker-none'], shown.length ? '' : say('no_such_building', {text: ui['picker-q'].value}));
}

/** Returns "CAS", "3 buildings" or "All buildings".
    @param {Group[]} groups */
function chosenText(groups) {
  const chosen = groups.filter(({building}) => isChosen(building.code));
  if (!chosen.length) return say('all_buildings');
  return chosen.length === 1 ? chosen[0].building.code : say('chosen_buildings', {count: chosen.length});
}

ui.choose.addEventListener('click', () => {
  ui['picker-q'].value = '';
  drawChoices(lastGroups);
  ui.picker.showModal();
  // Focusing the search field would open a phone's keyboard, which covers the buildings.
  (matchMedia('(pointer: fine)').matches ? ui['picker-q'] : ui.picker).focus();
});
ui['picker-q'].addEventListener('input', () => drawChoices(lastGroups));
ui['picker-list'].addEventListener('change', (/** @type {Event & {target: HTMLInputElement}} */ {target: {value, checked}}) => {
  const others = question.buildings.filter(code => code.toLowerCase() !== value.toLowerCase() && factsOf(code));
  choose({buildings: checked ? [...others, value] : others});
});
ui['picker-all'].addEventListener('click', () => choose({buildings: []}));
ui['picker-done'].addEventListener('click', () => ui.picker.close());
// A click on the backdrop has the dialog itself as its target.
ui.picker.addEventListener('click', (/** @type {MouseEvent} */ event) => event.target === ui.picker && ui.picker.close());
