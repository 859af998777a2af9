// The refresh button and the age of the data.

import {answer, call, current, load, pathOf, Problem, sawRefresh} from './data.js';
import {say, setText, ui} from './dom.js';
import {howMuchIsKnown, unreachable} from './notices.js';
import {duration, MINUTE, now, SECOND, twoDigits} from './times.js';

/** Backoff after a failed refresh, unless the response has a Retry-After header. */
const BACK_OFF = 60 * SECOND;
/** How long a message that is not a warning stays visible. */
const MESSAGE = 10 * SECOND;

let refreshing = false;
/** The earliest time of the next refresh. */
let notBefore = 0;

export async function loadCooldown() {
  const status = await call(pathOf('api/cooldown-status')).catch(() => null);
  if (status) notBefore = Math.max(notBefore, now() + status.remaining_minutes * MINUTE);
  showFreshness();
}

async function refresh() {
  if (refreshing) return;
  if (now() < notBefore) return report(say('too_early', {time: waiting()}));
  refreshing = true;
  report(say('reading'));
  showFreshness();
  const outcome = await call('api/refresh', 'POST').then(({timestamp}) => sawRefresh(timestamp), error => error);
  refreshing = false;
  if (outcome) refused(outcome);
  else report(say('up_to_date'));
  loadCooldown();
  if (outcome && outcome.status !== 429 && !isInProgress(outcome)) return;
  await load();
  // A refresh request is too short for all rooms of a large campus.
  if (!outcome && current() && howMuchIsKnown()) report(say('more_to_read'));
}

/** Whether the server gave up waiting for another refresh.
    @param {Problem} problem */
const isInProgress = ({status, detail}) => status === 503 && detail === 'Refresh in progress';

/** @param {Problem} outcome */
function refused(outcome) {
  const {status, retryAfter} = outcome;
  if (status) notBefore = now() + (retryAfter || BACK_OFF);
  if (status === 429) sawRefresh(new Date(now()).toISOString(), 0);
  if (status === 429) report(say('already_refreshed', {time: waiting()}));
  else if (isInProgress(outcome)) report(say('still_reading'));
  else if (status === 502) report(say('refresh_failed'), true);
  else if (status) report(say('refresh_unavailable', {time: waiting()}), true);
  else report(say('refresh_unreachable', {reason: unreachable()}), true);
  showFreshness();
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let messageTimer;

/** Shows a message. It disappears after a while, unless it is a warning or a refresh is running.
    @param {string} text @param {boolean} [warn] */
export function report(text, warn = false) {
  clearTimeout(messageTimer);
  if (!warn && !refreshing) messageTimer = setTimeout(report, MESSAGE, '');
  ui['refresh-state'].classList.toggle('warn', warn);
  setText(ui['refresh-state'], text);
}

const secondsLeft = () => Math.ceil((notBefore - now()) / SECOND);
const countdown = () => `${Math.floor(secondsLeft() / 60)}:${twoDigits(secondsLeft() % 60)}`;
const waiting = () => secondsLeft() < 60 ? say('seconds', {count: secondsLeft()}) : duration(Math.ceil(secondsLeft() / 60));

export function showFreshness() {
  const cooling = now() < notBefore;
  setText(ui.refresh, refreshing ? say('refreshing') : cooling ? say('refresh_in', {time: countdown()}) : say('refresh'));
  ui.refresh.ariaDisabled = String(refreshing || cooling);
  if (answer?.last_updated && current()) setText(ui.updated, say('updated', {age: age(now() - Date.parse(answer.last_updated))}));
}

/** @param {number} milliseconds */
function age(milliseconds) {
  const minutes = Math.floor(milliseconds / MINUTE), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (minutes < 1) return say('just_now');
  return say('ago', {duration: days ? say('days', {count: days}) : duration(hours ? hours * 60 : minutes)});
}

ui.refresh.addEventListener('click', refresh);
