// Tests of the client that openapi-typescript and openapi-fetch generate from the OpenAPI document, against a running local server. The
// client compiles, and each route returns what its types promise. `make clients` runs this.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import createClient from 'openapi-fetch';
import type {components, paths} from './schema.js';

type Problem = components['schemas']['Problem'];

const baseUrl = process.env['EMPTYCLASSROOM_URL'];
assert.ok(baseUrl, 'EMPTYCLASSROOM_URL is not set');
const client = createClient<paths>({baseUrl});
const called = new Set<string>();
client.use({
  onRequest({request, schemaPath}) {
    called.add(`${request.method} ${schemaPath}`);
  },
});

test('the building parameter can be repeated', async () => {
  const {data, response} = await client.GET('/api/open-classrooms', {
    params: {query: {building: ['CGS', 'CAS'], feature: [], from: '10:00', to: '11:00', sort: 'free_until'}},
  });
  assert.ok(data);
  assert.match(response.url, /building=CGS&building=CAS/);
  assert.deepEqual(Object.keys(data.buildings), ['CAS', 'CGS']);
  for (const building of Object.values(data.buildings)) {
    for (const {status, free_until, free_minutes, availability} of building.classrooms) {
      assert.ok(status === 'ok' && free_until !== undefined && free_minutes !== undefined && free_minutes >= 60);
      assert.ok(availability.every(slot => slot.duration_minutes > 0));
    }
  }
});

test('a matching ETag gets an empty 304', async () => {
  const first = await client.GET('/api/open-classrooms');
  const etag = first.response.headers.get('ETag');
  assert.ok(etag);
  const second = await client.GET('/api/open-classrooms', {params: {header: {'If-None-Match': etag}}});
  assert.deepEqual([second.response.status, second.data], [304, undefined]);
});

test('one room has its slots, its days and its calendar', async () => {
  const params = {path: {id: '342'}};
  const room = (await client.GET('/api/classrooms/{id}', {params})).data;
  assert.ok(room);
  assert.deepEqual([room.id, room.building_code, room.timezone], ['342', 'CAS', 'America/New_York']);
  assert.equal(typeof room.free_now, 'boolean');
  const days = (await client.GET('/api/classrooms/{id}/days', {params})).data;
  assert.ok(days?.days.some(({date, opens}) => date === room.date && (opens === null || opens < '12:00')));
  const calendar = (await client.GET('/api/classrooms/{id}/calendar.ics', {params, parseAs: 'text'})).data;
  assert.match(calendar ?? '', /^BEGIN:VCALENDAR/);
});

test('the other routes return their types', async () => {
  const buildings = (await client.GET('/api/buildings')).data;
  assert.deepEqual(buildings?.buildings.map(({code, rooms}) => [code, rooms]), [['CAS', 54], ['CGS', 23]]);
  const {data: lastUpdated} = await client.GET('/api/last-updated');
  assert.ok(lastUpdated && lastUpdated.last_updated !== null && Date.parse(lastUpdated.last_updated) > 0);
  const {data: cooldown} = await client.GET('/api/cooldown-status');
  assert.ok(cooldown?.in_cooldown && cooldown.remaining_minutes > 0);
  const {data: health} = await client.GET('/api/health');
  assert.equal(health?.status satisfies 'ok' | 'incomplete' | 'failing' | undefined, 'ok');
  assert.equal((await client.GET('/')).data satisfies 'Hello World' | undefined, 'Hello World');
});

test('the pages and their files are served', async () => {
  for (const page of ['/app', '/docs'] as const) {
    assert.match((await client.GET(page, {parseAs: 'text'})).data ?? '', /^<!doctype html>/);
  }
  const {data: room} = await client.GET('/app/rooms/{id}', {params: {path: {id: '342'}}, parseAs: 'text'});
  assert.match(room ?? '', /<title>CAS 116 · Boston University<\/title>/);
  assert.equal((await client.GET('/app/', {parseAs: 'text'})).response.url, `${baseUrl}/app`);
  const manifest = await client.GET('/app/{file}', {params: {path: {file: 'manifest.webmanifest'}}, parseAs: 'text'});
  assert.match(String(manifest.data), /"short_name":"Classrooms"/);
  assert.equal((await client.GET('/favicon.ico', {parseAs: 'arrayBuffer'})).response.headers.get('Content-Type'), 'image/x-icon');
  assert.match((await client.GET('/robots.txt', {parseAs: 'text'})).data ?? '', /^User-agent: \*/);
});

test('an error is a problem with a type', async () => {
  const {data, error, response} = await client.GET('/api/open-classrooms', {params: {query: {at: 'noon'}}});
  const problem: Problem | undefined = error;
  assert.equal(data, undefined);
  assert.deepEqual([response.status, problem?.status, problem?.type], [400, 400, 'urn:emptyclassroom:problem:bad-parameter']);
  const noSuchRoom = await client.GET('/api/classrooms/{id}', {params: {path: {id: '1'}}});
  assert.equal(noSuchRoom.error?.type, 'urn:emptyclassroom:problem:classroom-not-found');
});

test('a refresh during the cooldown needs the admin token', async () => {
  const refused = await client.POST('/api/refresh');
  assert.equal(refused.error?.type, 'urn:emptyclassroom:problem:refresh-cooldown');
  assert.equal(refused.response.status, 429);
  assert.ok(Number(refused.response.headers.get('Retry-After')) > 0);
  const headers = {Authorization: `Bearer ${process.env['ADMIN_TOKEN']}`};
  const {data} = await client.POST('/api/refresh', {params: {query: {invalidate_cache: true}}, headers});
  assert.ok(data && Date.parse(data.timestamp) > 0);
});

test('every operation of the document was called', async () => {
  const {data} = await client.GET('/openapi.json');
  const items = Object.entries(data?.['paths'] as Record<string, Record<string, unknown>>);
  const operations = items.flatMap(([path, item]) => Object.keys(item).map(method => `${method.toUpperCase()} ${path}`));
  const missing = operations.filter(operation => !called.has(operation));
  assert.deepEqual(missing, [], 'clients/typescript/client.test.ts never calls these operations');
  assert.equal(called.size, operations.length, 'a call matches no operation of the document');
});
