/** @file Which requests to the server of the page are carried out, and which are refused. */
import { expect, it } from 'vitest';
import { judgeBoardHead } from '../../../../tools/board/requests.ts';

const rules = { names: ['trainer'], pageToken: 'secret', assets: new Set(['app.js', 'style.css']) };
const asked = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  judgeBoardHead({ method, url, headers: { host: 'localhost:8080', ...headers } }, rules);
const refusal = (...args: Parameters<typeof asked>) => {
  const found = asked(...args);
  return found.type === 'refused' ? `${found.status} ${found.code}` : found.type;
};

it.each(['localhost:1', 'LOCALHOST', '127.0.0.1:80', '[::1]:80', '10.0.0.7:1', 'trainer:1'])(
  'by the name %s',
  (host) => expect(refusal('/', { host })).toBe('page'),
);

it.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '', 'trainer.evil.example'])(
  'not by the name %j, which a page of another site may have rebound',
  (host) => expect(refusal('/api/runs', { host })).toBe('421 WRONG_HOST'),
);

it('a page of another site gets nothing, and what follows a link of it nothing that changes', () => {
  expect(refusal('/api/runs', { 'sec-fetch-site': 'cross-site' })).toBe('403 CROSS_SITE');
  const own = { 'x-tessera-page': 'secret', origin: 'http://localhost:8080' };
  const stop = (headers: Record<string, string>) => refusal('/api/runs/a/stop', headers, 'POST');
  expect(stop(own)).toBe('stop');
  expect(stop({ ...own, 'sec-fetch-site': 'same-origin' })).toBe('stop');
  expect(stop({})).toBe('403 CROSS_SITE');
  expect(stop({ ...own, 'x-tessera-page': 'guessed' })).toBe('403 CROSS_SITE');
  expect(stop({ ...own, origin: 'http://localhost:9999' })).toBe('403 CROSS_SITE');
  expect(stop({ ...own, origin: 'null' })).toBe('403 CROSS_SITE');
  expect(stop({ ...own, 'sec-fetch-site': 'same-site' })).toBe('403 CROSS_SITE');
  expect(refusal('/api/runs/a/stop', own)).toBe('405 METHOD');
  expect(refusal('/api/runs/a/look', {}, 'POST')).toBe('403 CROSS_SITE');
  expect(refusal('/api/runs/a/look', own, 'POST')).toBe('look');
  expect(refusal('/', own, 'POST')).toBe('405 METHOD');
});

it.each([
  '/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/app.js/../config.json',
  '//etc/passwd',
  '/constructor',
  '/__proto__',
  '/api/runs/a/../b/run/x',
  '/index.html.bak',
])('there is nothing at %s', (url) => expect(refusal(url)).toBe('404 NOT_FOUND'));

it('what is asked of a run has bounds, whatever is written', () => {
  expect(asked('/api/runs/a%2Fb/steps')).toEqual({
    ...{ type: 'steps', run: 'a/b', view: { points: 600 } },
  });
  expect(asked('/api/runs/a/steps?points=1e9&from=-1&to=7&bucket=4')).toMatchObject({
    view: { points: 600, to: 7 },
  });
  expect(asked('/api/runs/a/steps?points=999999&bucket=4&after=2')).toMatchObject({
    view: { points: 2000, known: { bucket: 4, after: 2 } },
  });
  expect(asked('/api/runs/a/lanes?window=99999')).toMatchObject({ windowMs: 600_000 });
  expect(refusal('/api/runs/%ff/run')).toBe('400 QUERY');
  expect(asked('/api/events', { 'last-event-id': 'a-7' })).toEqual({
    ...{ type: 'events', lastId: 'a-7' },
  });
});
