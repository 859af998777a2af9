// Elements and texts.

import TEXTS from './texts.json' with {type: 'json'};

/** The elements of index.html that have an id, by id.
    @type {Record<string, any>} */
export const ui = Object.fromEntries([...document.querySelectorAll('[id]')].map(node => [node.id, node]));

/** Redraws the page. The main module sets it, because the modules it imports trigger redraws but cannot import it. */
export let show = () => {};

/** @param {() => void} draw */
export function drawBy(draw) {
  show = draw;
}

/** Creates an element with properties and children. Strings become text nodes, so a name from 25Live or a campus file is never parsed as markup.
    @param {string} tag @param {object} [properties] @param {...(Node | string)} children @returns {any} */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Makes these nodes the children of `parent`. Nodes that are already in place are not touched, so they keep focus and need no layout.
    @param {Element} parent @param {Element[]} nodes */
export function keep(parent, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...parent.children]) if (!wanted.has(node)) node.remove();
  let place = parent.firstElementChild;
  for (const node of nodes) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
}

// The page's text is English. The browser's locale decides only the date format and the 12- or 24-hour clock.
export const locale = navigator.language.startsWith('en') ? navigator.language : 'en-GB';
export const number = new Intl.NumberFormat(locale);
const plural = new Intl.PluralRules('en');
const lists = new Intl.ListFormat(locale);

/** @typedef {keyof typeof TEXTS} Key */

/** Returns a text with its placeholders filled in. `count` selects the singular or plural form.
    @param {Key} key @param {Record<string, string | number>} [values] */
export function say(key, values = {}) {
  const text = TEXTS[key];
  const form = typeof text === 'string' ? text : plural.select(Number(values.count)) === 'one' ? text.one : text.other;
  return form.replaceAll(/\{(\w+)\}/g, (_, name) => typeof values[name] === 'number' ? number.format(values[name]) : values[name]);
}

/** @param {(string | number | false | null | undefined)[]} parts */
export const joined = parts => parts.filter(Boolean).join(' · ');

/** @param {string[]} items */
export const listed = items => lists.format(items);
