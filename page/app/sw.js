// The page's service worker. It caches the last good responses and serves them only when the network fails (network first). The
// header `X-Offline: 1` marks a cached response; its `last_updated` shows how old the data are.
//
// There is one cache. Its name ends with the service's path, because several campuses may share a host. Raise the number when the
// format of the cached data changes: a new version of this script deletes the caches with other numbers.

/** The service's root; this script is at app/sw.js. */
const ROOT = new URL('../', location.href).href;
const FAMILY = 'emptyclassroom-';
const CACHE = `${FAMILY}1 ${ROOT}`;
/** Maximum number of cached API responses, and of cached room pages. The oldest are evicted first. */
const MOST = 40;
const API = /^api\/(?:open-classrooms|buildings|classrooms\/[^/]+\/days)$/;
const ROOM_PAGE = /^app\/rooms\/[^/]+$/;
const ICON = /^(?:favicon\.ico|app\/(?:manifest\.webmanifest|icon\.svg|[a-z0-9-]+\.png))$/;
/** What the page needs offline after one visit. It requested these before this script was running. */
const FIRST = ['app', 'api/buildings', 'api/open-classrooms'];

/** Returns the cache key of a request; null if the request is not handled here.
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
  // Delete the key first, so that the new entry comes last: the cache is in insertion order.
  await cache.delete(key, {ignoreVary: true});
  await cache.put(key, response);
  const kept = (await cache.keys()).map(({url}) => url);
  for (const folder of ['api/', 'app/rooms/']) {
    const urls = kept.filter(url => url.startsWith(ROOT + folder));
    await Promise.all(urls.slice(0, -MOST).map(url => cache.delete(url, {ignoreVary: true})));
  }
}

/** Returns the cached response for a key, marked as offline; undefined if there is none.
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
    // When the server is down, a proxy in front of it answers with its own error page.
    const isDown = request.mode === 'navigate' && response.status >= 502 && response.status <= 504;
    return isDown && await kept(key) || response;
  } catch (error) {
    const found = await kept(key);
    if (found) return found;
    // Without a cached room page, fall back to the list of rooms.
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
