// The service worker: it serves cached data when the network fails, and none while it works. The service has a path prefix here.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {createServer, request as ask} from 'node:http';
import {after, before, test} from 'node:test';
import {eventually, launch, open, Server} from './support.js';

let server, browser;
before(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  await server.json('/api/open-classrooms');
});
after(() => Promise.all([browser?.close(), server?.stop()]));

/** The network between the browser and the service, which is at /rooms. It works, fails, or answers 503 like a proxy in front of a dead server. */
class Network {
  state = 'works';
  asked = [];

  static async start(t) {
    const network = new Network();
    const front = createServer((request, response) => network.answer(request, response));
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    t.after(() => { front.closeAllConnections(); front.close(); });
    const {port} = /** @type {import('node:net').AddressInfo} */ (front.address());
    network.root = `http://127.0.0.1:${port}/rooms/`;
    return network;
  }

  root = '';

  answer(request, response) {
    if (this.state === 'fails') return request.socket.destroy();
    this.asked.push(`${request.method} ${request.url}`);
    if (this.state === '503') return response.writeHead(503).end('no');
    const {method, headers} = request;
    const passed = ask(server.url + request.url.replace('/rooms', ''), {method, headers}, answer => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  }
}

/** Opens the page and waits until its service worker has cached the data of a first visit. */
async function visit(t, {path = 'app', prepare = undefined} = {}) {
  const network = await Network.start(t);
  const page = await open(t, browser, network.root + path, {serviceWorkers: 'allow', prepare: page => prepare?.(page, network)});
  await page.evaluate(async root => {
    const container = navigator.serviceWorker;
    if (!await container.getRegistration(`${root}app`)) {
      const policy = globalThis.trustedTypes.createPolicy('emptyclassroom', {createScriptURL: url => url});
      await container.register(policy.createScriptURL(`${root}app/sw.js`), {scope: `${root}app`});
    }
    await container.ready;
    if (!container.controller) await new Promise(resolve => container.addEventListener('controllerchange', resolve, {once: true}));
  }, network.root);
  await eventually(async () => (await kept(page, network)).filter(path => FIRST.includes(path)).sort(), FIRST);
  return {page, network};
}

const FIRST = ['api/buildings', 'api/open-classrooms', 'app'];

/** Returns the cached paths, relative to the service's root, oldest first. */
const kept = (page, {root}) => page.evaluate(async root => {
  const cache = await caches.open(`emptyclassroom-1 ${root}`);
  return (await cache.keys()).map(({url}) => url.slice(root.length));
}, root);

/** Sends a request from the page. Returns the status, the X-Offline header and the body; null if the network failed. */
const call = (page, {root}, path, options = {}) => page.evaluate(async ([url, options]) => {
  const response = await fetch(url, options).catch(() => null);
  return response && {status: response.status, offline: response.headers.get('x-offline'), body: await response.text()};
}, [root + path, options]);

/** Sends a request from the page and waits until the response is cached. */
async function callAndKeep(page, network, path, key = path) {
  const answer = await call(page, network, path);
  await eventually(async () => (await kept(page, network)).includes(key), true);
  return answer;
}

test('after one visit the page and its data are available offline, marked with X-Offline', async t => {
  const {page, network} = await visit(t);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.ready).scope), `${network.root}app`);
  const online = await call(page, network, 'api/open-classrooms');
  assert.deepEqual([online.status, online.offline], [200, null]);
  network.state = 'fails';
  const offline = await call(page, network, 'api/open-classrooms');
  assert.deepEqual(offline, {...online, offline: '1'});
  assert.equal((await call(page, network, 'api/buildings')).offline, '1');
  // The cached page serves any query.
  const answer = await page.goto(`${network.root}app?q=116&at=14:00`);
  assert.deepEqual([answer.status(), await answer.headerValue('x-offline')], [200, '1']);
  assert.match(await answer.text(), /<title>Free classrooms · Boston University<\/title>/);
});

test('while the network works, no cached data are served, even if the service answers 503', async t => {
  const {page, network} = await visit(t);
  network.state = '503';
  assert.deepEqual(await call(page, network, 'api/open-classrooms'), {status: 503, offline: null, body: 'no'});
  network.state = 'works';
  await page.goto(`${network.root}app`);
  const {length} = network.asked;
  assert.equal((await call(page, network, 'api/open-classrooms')).offline, null);
  assert.ok(network.asked.slice(length).includes('GET /rooms/api/open-classrooms'), 'no request reached the service');
});

test('the cached page replaces a proxy\'s 503 error page', async t => {
  const {page, network} = await visit(t);
  network.state = '503';
  const response = await page.goto(`${network.root}app`);
  assert.deepEqual([response.status(), response.headers()['x-offline']], [200, '1']);
});

test('a response is cached by date, without `seen`, and an error does not replace it', async t => {
  const {page, network} = await visit(t);
  const date = await server.weekday();
  const day = await callAndKeep(page, network, `api/open-classrooms?date=${date}&seen=2026-03-03`, `api/open-classrooms?date=${date}`);
  network.state = '503';
  assert.equal((await call(page, network, `api/open-classrooms?date=${date}`)).status, 503);
  network.state = 'fails';
  assert.deepEqual(await call(page, network, `api/open-classrooms?seen=2026-03-04&date=${date}`), {...day, offline: '1'});
  assert.equal((await call(page, network, 'api/open-classrooms?seen=2026-03-04')).offline, '1');
  assert.equal(await call(page, network, 'api/open-classrooms?date=2031-01-01'), null, 'another date is another cache key');
});

test('offline, a visited room page is available, and any other one redirects to the list', async t => {
  const {page, network} = await visit(t);
  await page.goto(`${network.root}app/rooms/342`);
  await callAndKeep(page, network, 'api/classrooms/342/days');
  await eventually(async () => (await kept(page, network)).includes('app/rooms/342'), true);
  network.state = 'fails';
  const room = await page.goto(`${network.root}app/rooms/342?date=2026-03-03`);
  assert.match(await room.text(), /<title>CAS 116 · Boston University<\/title>/);
  assert.equal((await call(page, network, 'api/classrooms/342/days')).offline, '1');
  await page.goto(`${network.root}app/rooms/344`);
  assert.equal(page.url().split('?')[0], `${network.root}app`);
});

test('only successful GET responses that the page needs are cached', async t => {
  const {page, network} = await visit(t);
  for (const path of ['api/health', 'api/last-updated', 'api/cooldown-status', 'api/classrooms/342', 'docs', 'api/classrooms/1/days']) {
    await call(page, network, path);
  }
  await call(page, network, 'api/refresh', {method: 'POST'});
  await call(page, network, 'api/open-classrooms', {method: 'HEAD'});
  await page.goto(`${network.root}app/rooms/999`);
  // Wait for one more response, so that all earlier ones have been handled.
  await callAndKeep(page, network, 'app/icon.svg');
  const unwanted = /health|last-updated|cooldown|342$|docs|classrooms\/1\/|refresh|999/;
  assert.deepEqual((await kept(page, network)).filter(path => unwanted.test(path)), []);
  network.state = 'fails';
  assert.equal(await call(page, network, 'api/health'), null);
  assert.equal(await call(page, network, 'api/refresh', {method: 'POST'}), null);
  assert.equal((await call(page, network, 'app/icon.svg')).status, 200);
});

test('at most forty API responses are cached, and the oldest are evicted first', async t => {
  const {page, network} = await visit(t);
  const {buildings} = await server.json('/api/open-classrooms');
  const ids = Object.values(buildings).flatMap(({classrooms}) => classrooms.map(({id}) => id)).slice(0, 42);
  for (const id of ids) await callAndKeep(page, network, `api/classrooms/${id}/days`);
  await callAndKeep(page, network, 'api/buildings');
  await callAndKeep(page, network, `api/classrooms/${ids[5]}/days`);
  const expected = [...ids.slice(3).filter(id => id !== ids[5]).map(id => `api/classrooms/${id}/days`), 'api/buildings', `api/classrooms/${ids[5]}/days`];
  await eventually(async () => (await kept(page, network)).filter(path => path.startsWith('api/')), expected.slice(-40));
  assert.ok((await kept(page, network)).includes('app'), 'the page stays cached');
});

test('caches of older versions are deleted, but not those of other services', async t => {
  const others = ['emptyclassroom-1 http://127.0.0.1/other/', 'emptyclassroom-0 http://127.0.0.1/other/', 'something else'];
  const prepare = async (page, {root}) => {
    await page.goto(`${root}docs`);
    await page.evaluate(names => Promise.all(names.map(name => caches.open(name))), [...others, `emptyclassroom-0 ${root}`]);
  };
  const {page, network} = await visit(t, {prepare});
  const names = () => page.evaluate(async () => (await caches.keys()).sort());
  await eventually(names, [...others, `emptyclassroom-1 ${network.root}`].sort());
});
