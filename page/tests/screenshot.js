// Makes the picture of the page in README.md: a desktop in light mode and a phone in dark mode. `make screenshot` runs this.

import {instant, launch, open, Server, shown} from './support.js';

const [path] = process.argv.slice(2);
const cleanUp = [];
const session = {after: step => cleanUp.push(step)};
const server = await Server.start();
const browser = await launch();
const now = instant(await server.weekday(), '10:20');

/** Makes the server's data look twelve minutes old. */
async function prepare(page) {
  await page.route('**/api/open-classrooms*', async route => {
    const {simulated, ...answer} = await (await route.fetch()).json();
    await route.fulfill({json: {...answer, last_updated: new Date(now.getTime() - 12 * 60_000).toISOString()}});
  });
  await page.route('**/api/cooldown-status', route => route.fulfill({json: {in_cooldown: true, remaining_minutes: 18}}));
}

async function shot(options) {
  const page = await open(session, browser, `${server.url}/app`, {now, prepare, ...options});
  await shown(page);
  return `data:image/png;base64,${(await page.screenshot()).toString('base64')}`;
}

const desktop = await shot({viewport: {width: 1120, height: 800}});
const phone = await shot({viewport: {width: 390, height: 844}, colorScheme: 'dark', isMobile: true, hasTouch: true});
const page = await browser.newPage({viewport: {width: 1400, height: 900}});
await page.setContent(`<style>
  body { margin: 0; background: #dfe7e3; }
  img { position: absolute; border-radius: 16px; box-shadow: 0 12px 48px #0f1f1840; }
  #desktop { left: 48px; top: 50px; width: 1080px; }
  #phone { right: 48px; bottom: 50px; width: 330px; border: 6px solid #0f1312; border-radius: 32px; }
</style><img id="desktop" src="${desktop}"><img id="phone" src="${phone}">`);
await page.screenshot({path});
for (const step of cleanUp) await step();
await browser.close();
await server.stop();
