// The main module: chooses the view, redraws as time passes, and handles global events.

import {answer, askedAt, campus, current, isDue, load} from './data.js';
import {drawBy, joined, say, setText, ui} from './dom.js';
import {offerChoices, showQuestion} from './form.js';
import {chosenOf, openAll, showRooms} from './list.js';
import {showContact, showNoRooms, showNotices} from './notices.js';
import {showPicker} from './picker.js';
import {ANY_LENGTH, askUrl, currentMode, isBackwards, isToday, question, root, shownDay, urlOf} from './question.js';
import {loadCooldown, showFreshness} from './refresh.js';
import {showRoom} from './room.js';
import {follow} from './rows.js';
import {judged} from './rule.js';
import {campusClock, clock, dayName, duration, knowsZone, MINUTE, minutesOf, now, SECOND} from './times.js';

const thisMinute = () => Math.floor(now() / MINUTE);
let shownMinute = 0;

function showAll() {
  shownMinute = thisMinute();
  const inRoom = Boolean(question.room);
  document.body.classList.toggle('in-room', inRoom);
  document.body.classList.add('drawn');
  ui.question.hidden = inRoom;
  ui.back.hidden = !inRoom;
  ui.back.href = urlOf({...question, room: ''});
  if (!inRoom) showQuestion();
  showContact();
  showNotices();
  showFreshness();
  const {headline, moment} = inRoom ? roomView() : listView();
  setText(ui.headline, headline);
  setText(ui.moment, moment);
  document.title = joined([headline, campusName()]);
  if (isDue()) load();
}

/** Shows the list of rooms, or why there is none. */
function listView() {
  const moment = knowsZone() ? joined([dayName(String(shownDay())), isToday() && clock(campusClock().minute)]) : '';
  if (!current() || !campus) {
    const headline = showNoRooms() || headlineOf(null);
    announce(headline);
    return {headline, moment};
  }
  offerChoices(answer);
  const all = judged(), groups = chosenOf(all), free = groups.reduce((sum, {free}) => sum + free.length, 0);
  showPicker(all, free);
  showRooms(groups);
  const isTooShort = !isBackwards() && groups.some(({others}) => others.some(({time, minutes}) => time && minutes < question.min));
  const headline = free || !isTooShort ? headlineOf(free) : say('for_length', {headline: headlineOf(0), duration: duration(question.min)});
  announce(free && question.min > ANY_LENGTH ? say('for_at_least', {headline, duration: duration(question.min)}) : headline);
  return {headline, moment};
}

/** Shows the page of one room. */
function roomView() {
  if (!knowsZone()) return {headline: showNoRooms() || say('free_classrooms'), moment: ''};
  const shown = showRoom();
  announce(joined([shown.headline, shown.summary]));
  return shown;
}

/** @param {number | null} count the number of matching free rooms; null if unknown */
function headlineOf(count) {
  if (isBackwards()) return say('end_before_start');
  const [time, from, to] = [question.at, question.from, question.to].map(time => time && clock(minutesOf(time)));
  /** @type {Record<Mode, import('./dom.js').Key[]>} */
  const texts = {
    now: ['free_classrooms', 'no_rooms_now', 'rooms_free_now'], at: ['rooms_at', 'no_rooms_at', 'rooms_free_at'],
    range: ['rooms_range', 'no_rooms_range', 'rooms_free_range'], day: ['free_classrooms', 'no_rooms_day', 'rooms_free_day'],
  };
  const [unknown, none, some] = texts[currentMode()];
  return say(count === null ? unknown : count ? some : none, {count: count ?? 0, time, from, to});
}

const campusName = () => campus?.campus ?? ui.home.textContent;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let announcing;

/** Announces a change to screen readers, debounced.
    @param {string} text */
function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => setText(ui.announcement, text), 500);
}

function tick() {
  if (document.hidden) return;
  showFreshness();
  if (thisMinute() !== shownMinute || isDue()) showAll();
}

function wakeUp() {
  if (document.hidden) return;
  if (now() - askedAt > MINUTE) load();
  loadCooldown();
  tick();
}

/** Registers the service worker, which serves the last data when the network is down. */
function keepOffline() {
  if (!navigator.serviceWorker) return;
  const script = `${root}app/sw.js`;
  const policy = globalThis.trustedTypes?.createPolicy('emptyclassroom', {createScriptURL: () => script});
  navigator.serviceWorker.register(policy ? policy.createScriptURL('') : script, {scope: `${root}app`}).catch(error => console.warn(error));
}

// The URL changes without a page load, which would break relative links.
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('[href]:not([href^="#"])'))) link.setAttribute('href', link.href);
document.addEventListener('click', follow);
addEventListener('popstate', askUrl);
addEventListener('online', load);
addEventListener('offline', load);
addEventListener('beforeprint', openAll);
document.addEventListener('visibilitychange', wakeUp);
drawBy(showAll);
setInterval(tick, SECOND);
load();
loadCooldown();
showAll();
addEventListener('load', keepOffline);
