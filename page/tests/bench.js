// Measures a keystroke in the search field with 371 rooms, on a CPU throttled to a quarter of its speed, like a slow phone. `make bench-page`
// runs this. It is not a test, because times depend on the machine.

import {writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {eventually, instant, largeCampus, launch, open, PHONE, Server, shown} from './support.js';

const SLOWDOWN = 4;
const file = join(tmpdir(), `emptyclassroom-bench-${process.pid}.toml`);
writeFileSync(file, largeCampus());
const cleanUp = [];
const session = {after: step => cleanUp.push(step)};
const [server, browser] = await Promise.all([Server.start({CAMPUS_FILE: file, RUST_LOG: 'error'}), launch()]);
const day = await server.weekday();
await eventually(async () => (await server.json('/api/health')).status, 'ok');

/** @param {number[]} times */
const median = times => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)].toFixed(0);

for (const [what, query] of [['by building', ''], ['longest first', '?sort=duration'], ['all day', `?date=${day}&when=day&sort=duration`]]) {
  const page = await open(session, browser, `${server.url}/app${query}`, {now: instant(day, '10:20'), viewport: PHONE, isMobile: true});
  await shown(page);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', {rate: SLOWDOWN});
  // Measures the script and the layout that a keystroke causes.
  const times = await page.evaluate(async () => {
    const field = /** @type {HTMLInputElement} */ (document.querySelector('#q')), times = [];
    for (const text of ['h', 'ha', 'hal', 'hall', 'hal', 'ha', 'h', '', 'b', 'b1', 'b12', 'b1', 'b', '']) {
      await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
      const start = performance.now();
      field.value = text;
      field.dispatchEvent(new InputEvent('input', {bubbles: true}));
      document.body.getBoundingClientRect();
      times.push(performance.now() - start);
    }
    return times;
  });
  console.log(`${what}: a keystroke takes ${median(times)} ms (median), ${Math.max(...times).toFixed(0)} ms at most, with the CPU slowed down ${SLOWDOWN} times`);
}
for (const step of cleanUp) await step();
await browser.close();
await server.stop();
