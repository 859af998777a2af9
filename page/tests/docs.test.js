// The page at /docs, which shows the HTTP API and can call it.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {DESKTOP, PHONE, Server, assertAccessible, eventually, launch, open, screenshot} from './support.js';

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});
after(() => Promise.all([browser?.close(), server?.stop()]));

const docs = async (t, options) => {
  const page = await open(t, browser, `${server.url}/docs${options?.hash ?? ''}`, options);
  await page.locator('.operation').first().waitFor();
  return page;
};

/** Expands the operation with this id and returns it. */
const opened = async (page, id) => {
  const operation = page.locator(`#${id}`);
  await operation.locator('> summary').click();
  await operation.locator('form').waitFor();
  return operation;
};

test('every operation of the OpenAPI document is shown, with its responses', async t => {
  const page = await docs(t);
  const document = await server.json('/openapi.json');
  const operations = Object.values(document.paths).flatMap(item => Object.values(item));
  for (const {operationId, parameters = [], responses} of operations) {
    const operation = await opened(page, operationId);
    assert.deepEqual(await operation.locator('.answer > summary .status').allInnerTexts(), Object.keys(responses), operationId);
    assert.equal(await operation.locator('form :is(input, select):not([name=token])').count(), parameters.length, operationId);
  }
  assert.equal(await page.locator('.operation').count(), operations.length);
});

test('an error message with a parameter in backticks is shown as code', async t => {
  const page = await docs(t);
  const operation = await opened(page, 'openClassrooms');
  const sentence = operation.locator('.answer > summary', {hasText: '400'}).locator('code');
  assert.deepEqual(await sentence.allInnerTexts(), ['`date` is `tomorrow`; expected a date such as 2026-03-03']);
});

test('the form sends a request and shows the response', async t => {
  const page = await docs(t);
  const operation = await opened(page, 'openClassrooms');
  await operation.getByLabel('building').fill('CGS');
  await operation.getByLabel('sort').selectOption('name');
  await operation.getByRole('button', {name: 'Send GET'}).click();
  await eventually(() => operation.locator('output b').innerText(), /^200/);
  assert.match(await operation.locator('output code').first().innerText(), /\/api\/open-classrooms\?building=CGS&sort=name$/);
  const answer = JSON.parse(await operation.locator('output pre').innerText());
  assert.deepEqual(Object.keys(answer.buildings), ['CGS']);
  await operation.getByLabel('building').fill('XYZ');
  await operation.getByLabel('building').press('Enter');
  await eventually(() => operation.locator('output').innerText(), /^400[\s\S]*`building` is `XYZ`/);
});

test('behind a path prefix, requests have the same prefix, and a Link header leads to its operation', async t => {
  const page = await open(t, browser, `${server.url}/stage/rooms/docs`, {prepare: page => page.route('**/stage/rooms/**', async route => {
    const url = route.request().url().replace('/stage/rooms', '');
    await route.fulfill({response: await route.fetch({url})});
  })});
  await page.locator('.operation').first().waitFor();
  const operation = await opened(page, 'classroom');
  await operation.getByRole('button', {name: 'Send GET'}).click();
  await eventually(() => operation.locator('output b').innerText(), /^200/);
  assert.equal(await operation.locator('output code').first().innerText(), 'GET /stage/rooms/api/classrooms/342');
  // Resolve the response's Link header and the document's server URL as a browser would.
  const asked = `${server.url}/stage/rooms/api/classrooms/342?dat=1`;
  const link = (await fetch(asked.replace('/stage/rooms', ''))).headers.get('Link');
  await page.goto(new URL(/<(.+)>/.exec(link)[1], asked).href);
  await page.locator('#classroom[open] form').waitFor();
  assert.equal(new URL(page.url()).pathname, '/stage/rooms/docs');
  const {servers} = await server.json('/openapi.json');
  assert.deepEqual(servers.map(({url}) => new URL(url, `${server.url}/stage/rooms/openapi.json`).pathname), ['/stage/rooms/']);
});

test('an operation can be opened and sent with the keyboard alone', async t => {
  const page = await docs(t);
  await page.locator('#health > summary').focus();
  await page.keyboard.press('Enter');
  await page.locator('#health form').waitFor();
  await page.locator('#health .send').focus();
  await page.keyboard.press('Enter');
  await eventually(() => page.locator('#health output').innerText(), /^200[\s\S]*"rooms_ok"/);
});

test('a link with a fragment opens its operation', async t => {
  const page = await docs(t, {hash: '#refresh'});
  await page.locator('#refresh[open] form').waitFor();
  await page.locator('#contents a[href="#calendar"]').click();
  await page.locator('#calendar[open] form').waitFor();
});

test('an error is shown if the OpenAPI document cannot be loaded', async t => {
  const page = await open(t, browser, `${server.url}/docs`, {
    prepare: page => page.route('**/openapi.json', route => route.fulfill({status: 503, body: ''})),
  });
  await eventually(() => page.getByRole('alert').innerText(), /503/);
});

for (const [size, viewport] of Object.entries({phone: PHONE, desktop: DESKTOP})) {
  for (const colorScheme of ['light', 'dark']) {
    test(`axe-core finds no violations, and nothing is wider than the window: ${size}, ${colorScheme}`, async t => {
      const page = await docs(t, {viewport, colorScheme});
      await screenshot(page, `docs-${size}-${colorScheme}`);
      const operation = await opened(page, 'openClassrooms');
      await operation.locator('.send').click();
      await operation.locator('output pre').waitFor();
      await operation.locator('.answer > summary').first().click();
      await operation.locator('.answer > summary').nth(2).click();
      await assertAccessible(page, 'an operation');
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(beyond <= 0, `${beyond} pixels`);
      await screenshot(page, `docs-${size}-${colorScheme}-open`, {fullPage: true});
    });
  }
}
