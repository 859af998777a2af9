// Notices about the data (old, incomplete or simulated), the time zone and the device's clock.

import {allRooms, answer, campus, current, currentProblem, load, roomDays} from './data.js';
import {element, keep, say, setText, ui} from './dom.js';
import {ask, question, shownDay} from './question.js';
import {browserClock, campusClock, clock, dayName, duration, knowsZone, MINUTE, skew, zoneInFull, zoneName} from './times.js';

/** Shows why the data are old or incomplete, whether they are simulated, and how the clocks differ. */
export function showNotices() {
  const failed = currentProblem();
  const reason = failed?.status ? say('no_newer') : failed || !navigator.onLine ? unreachable() : answer?.stale ? say('stale') : '';
  const known = current()?.last_updated ?? (question.room && roomDays?.days?.days[0]?.last_updated);
  setText(ui.notice, known ? [reason && knownAt(reason, known), !question.room && howMuchIsKnown()].filter(Boolean).join(' ') : '');
  ui.simulated.hidden = !answer?.simulated;
  if (!knowsZone()) return;
  const here = campusClock(), mine = browserClock();
  const elsewhere = here.date !== mine.date || here.minute !== mine.minute;
  setText(ui.zone, [elsewhere && say('campus_time', {zone: zoneName, time: clock(mine.minute)}), wrongClock()].filter(Boolean).join(' '));
  setText(ui['zone-name'], say('zone', {zone: zoneInFull()}));
}

function wrongClock() {
  if (!skew) return '';
  return say(skew > 0 ? 'clock_slow' : 'clock_fast', {duration: duration(Math.max(1, Math.round(Math.abs(skew) / MINUTE)))});
}

/** Returns "Bookings loaded for 612 of 1,500 rooms so far."; '' if all rooms are known. */
export function howMuchIsKnown() {
  const rooms = allRooms(), known = rooms.filter(({status}) => status !== 'unknown').length;
  return known === rooms.length ? '' : say('known_rooms', {known, all: rooms.length});
}

/** @param {string} reason @param {string} lastUpdated */
function knownAt(reason, lastUpdated) {
  const then = campusClock(Date.parse(lastUpdated));
  const [day, time] = [dayName(then.date, true), clock(then.minute)];
  return then.date === campusClock().date ? say('known_at', {reason, time}) : say('known_on', {reason, day, time});
}

export const unreachable = () => say(navigator.onLine ? 'unreachable' : 'offline');

/** Returns a button that shows the day of the last answer.
    @param {Answer} answer */
const lastKnown = ({date}) => ({label: say('show_day', {day: dayName(date, true)}), onclick: () => ask({date})});

/** Returns the headline, the sentence and the button for a day that cannot be shown.
    @param {{status: number}} problem @returns {{headline: string, text: string, label: string, onclick: () => void}} */
function explain({status}) {
  const again = {label: say('try_again'), onclick: load};
  const today = {label: say('show_today'), onclick: () => ask({date: ''})};
  switch (status) {
    case 404: return {headline: say('not_kept'), text: say('not_kept_text', {day: dayName(String(shownDay()), true)}), ...today};
    case 400: return {headline: say('no_such_day'), text: say('no_such_day_text', {day: question.date}), ...today};
    case 0: return {headline: unreachable(), text: say('no_data_text'), ...(answer && !navigator.onLine ? lastKnown(answer) : again)};
    default: return {headline: say('no_data'), text: say('no_data_text'), ...again};
  }
}

const noRooms = element('div', {className: 'empty'});

/** Shows why there are no rooms: they are loading, or the request failed.
    @returns {string} the headline; '' while the rooms are loading */
export function showNoRooms() {
  const failed = currentProblem();
  ui.rooms.setAttribute('aria-busy', String(!failed));
  const explained = failed && explain(failed);
  const text = explained ? explained.text : say('loading');
  if (noRooms.dataset.text !== text) {
    noRooms.dataset.text = text;
    const button = explained ? [element('button', {type: 'button', className: 'primary', onclick: explained.onclick}, explained.label)] : [];
    noRooms.replaceChildren(element('p', {}, text), ...button);
  }
  keep(ui.rooms, [ui.notices, noRooms]);
  return explained ? explained.headline : '';
}

/** Shows the contact for questions about rooms, if the campus file has one. */
export function showContact() {
  const {contact} = campus ?? {};
  if (!contact || ui.contact.childElementCount) return;
  ui.contact.append(`${say('contact')} `, element('a', {href: contact}, contact.replace(/^(mailto:|https?:\/\/)/, '').replace(/\/$/, '')));
}
