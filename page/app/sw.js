// The page's service worker. It keeps the last good answers, and shows them when the network fails: network first, always. The
// header `X-Offline: 1` marks an answer that was kept; how old its data are is in the answer, as `last_updated`.
//
// One cache has it all. Its name ends with the service's path, since several campuses may live on one host. Raise the number
// when what is kept has another form: the caches of other numbers are deleted when this script replaces the one before.

/** The service's root; this script is at app/sw.js. */
const ROOT = new URL('../', location.href).href;
const FAMILY = 'emptyclassroom-';
const CACHE = `${FAMILY}1 ${ROOT}`;
/** How many answers of the API are kept, and how many pages of rooms. The oldest go first. */
const MOST = 40;
const API = /^api\/(?:open-classrooms|buildings|classrooms\/[^/]+\/days)$/;
const ROOM_PAGE = /^app\/rooms\/[^/]+$/;
const ICON = /^(?:favicon\.ico|app\/(?:manifest\.webmanifest|icon\.svg|[a-z0-9-]+\.png))$/;
/** What a first visit needs to be shown offline: the page has asked for it before this script ran. */
const FIRST = ['app', 'api/buildings', 'api/open-classrooms'];

/** Under which address the answer to a request is kept; null for a request that is left alone.
    @param {Request} request */
function keyOf({method, mode, url}) {
  if (method !== 'GET' || !url.startsWith(ROOT)) return null;
  const asked = new URL(url);
  const path = (asked.origin + asked.pathname).slice(ROOT.length);
  if (mode === 'navigate') return path === 'app' || ROOM_PAGE.test(path) ? ROOT + path : null;
  if (ICON.test(path)) return ROOT + path;
  if (!API.test(path)) return null;
  asked.searchParams.delete('seen');
  const query = asked.searchParams.toString();
  return ROOT + path + (query && `?${query}`);
}

/** @param {string} key @param {Response} response */
async function keep(key, response) {
  const cache = await caches.open(CACHE);
  // Deleted first, so that it comes last: the oldest are those that come first.
  await cache.delete(key, {ignoreVary: true});
  await cache.put(key, response);
  const kept = (await cache.keys()).map(({url}) => url);
  for (const folder of ['api/', 'app/rooms/']) {
    const urls = kept.filter(url => url.startsWith(ROOT + folder));
    await Promise.all(urls.slice(0, -MOST).map(url => cache.delete(url, {ignoreVary: true})));
  }
}

/** What is kept under this address, marked; undefined if that is nothing.
    @param {string} key */
async function kept(key) {
  const cache = await caches.open(CACHE);
  const response = await cache.match(key, {ignoreVary: true});
  if (!response) return undefined;
  const headers = new Headers(response.headers);
  headers.set('X-Offline', '1');
  return new Response(response.body, {status: response.status, headers});
}

/** @param {FetchEvent} event @param {string} key */
async function answer(event, key) {
  const {request} = event;
  try {
    const response = await fetch(request);
    if (response.status === 200) event.waitUntil(keep(key, response.clone()));
    // A proxy in front of a server that is down has a page of its own for that.
    const isDown = request.mode === 'navigate' && response.status >= 502 && response.status <= 504;
    return isDown && await kept(key) || response;
  } catch (error) {
    const found = await kept(key);
    if (found) return found;
    // The list of rooms is better than no page at all.
    if (request.mode === 'navigate' && key !== `${ROOT}app` && await kept(`${ROOT}app`)) return Response.redirect(`${ROOT}app`);
    throw error;
  }
}

/** @param {string} path */
async function keepFirst(path) {
  const response = await fetch(ROOT + path);
  if (response.status === 200) await keep(ROOT + path, response);
}

async function deleteOldCaches() {
  const names = await caches.keys();
  const old = names.filter(name => name.startsWith(FAMILY) && name.endsWith(` ${ROOT}`) && name !== CACHE);
  await Promise.all(old.map(name => caches.delete(name)));
}

addEventListener('install', event => {
  skipWaiting();
  event.waitUntil(Promise.allSettled(FIRST.map(keepFirst)));
});

addEventListener('activate', event => {
  event.waitUntil(Promise.all([deleteOldCaches(), clients.claim()]));
});

addEventListener('fetch', event => {
  const key = keyOf(event.request);
  if (key) event.respondWith(answer(event, key));
});
