/** @file A webhook against a real server: it delivers, tries again within a budget, follows nothing, and keeps its secret. */
import { expect, it } from 'vitest';
import { Webhook, type WebhookSettings } from '../../../../launch/notices/webhook.ts';
import type { Clock } from '../../../../shared/core/clock.ts';
import type { TimedEvent } from '../../../../shared/runs/events.ts';
import { hookServer, status } from '../../../support/hook-server.ts';

const time = '2026-01-01T00:00:00.000Z';
const alarm = (sentence: string): TimedEvent => {
  return { type: 'alarm', time, name: 'lossHigh', state: 'raised', sentence };
};
const CLOSE_MS = 12_345;

/** A webhook whose pauses take no time, what it warned of, and the pauses. */
function webhookTo(url: URL, settings: Partial<WebhookSettings> = {}) {
  const warned: string[] = [];
  const pauses: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    every: () => () => {},
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (ms !== CLOSE_MS) return resolve(void pauses.push(ms));
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const webhook = new Webhook({
    ...{ url, template: 'auto', quietMs: 0, runFolder: 'runs/a', clock, closeMs: CLOSE_MS },
    warn: (sentence) => warned.push(sentence),
    ...settings,
  });
  return { webhook, warned, pauses };
}

it.each([
  [
    'json',
    'application/json',
    /^\{"schema":"notice\/1","kind":"alarm","state":"raised","run":"a",/,
  ],
  ['slack', 'application/json', /^\{"text":"🚨 \*a\* on .*: a &lt;b&gt; &amp; c\\\\u000ad"\}$/],
  ['plain', 'text/plain; charset=utf-8', /^a on .*: a <b> & c\\u000ad\n$/],
] as const)('a notice is sent as %s', async (template, contentType, body) => {
  const { url, received } = await hookServer(status(204));
  const { webhook, warned } = webhookTo(url, { template });
  webhook.event(alarm('a <b> & c\nd'));
  await webhook.close();
  expect(received).toMatchObject([{ method: 'POST', headers: { 'content-type': contentType } }]);
  expect(received[0]?.body).toMatch(body);
  expect(warned).toEqual([]);
});

it('what fails for the moment is tried again after growing pauses, or as long as the server asks', async () => {
  const answers = [status(500), status(429, { 'retry-after': '7' }), status(200)];
  const { url, received } = await hookServer(...answers);
  const { webhook, warned, pauses } = webhookTo(url);
  webhook.event(alarm('x'));
  await webhook.close();
  expect(received).toHaveLength(3);
  expect(pauses).toEqual([1000, 7000]);
  expect(warned).toEqual([]);
});

it('a server that only fails gets four tries a notice; the first loss is said, then their number', async () => {
  const { url, received } = await hookServer(status(503));
  const { webhook, warned } = webhookTo(url);
  webhook.event(alarm('x'));
  webhook.event(alarm('y'));
  await webhook.close();
  expect(received).toHaveLength(8);
  expect(warned).toEqual([
    `webhook of ${url.host}: a notice was not delivered: it replies HTTP 503, after 4 tries`,
    `webhook of ${url.host}: 2 notices in all were not delivered`,
  ]);
});

it('what is refused is not tried again', async () => {
  const { url, received } = await hookServer(status(404));
  const { webhook, warned } = webhookTo(url);
  webhook.event(alarm('x'));
  await webhook.close();
  expect(received).toHaveLength(1);
  expect(warned[0]).toMatch(/it replies HTTP 404$/);
});

it('a redirect is not followed, and of its target only the host is said', async () => {
  const other = await hookServer();
  const { url, received } = await hookServer(status(307, { location: other.url.href }));
  const { webhook, warned } = webhookTo(url);
  webhook.event(alarm('x'));
  await webhook.close();
  expect([received.length, other.received.length]).toEqual([1, 0]);
  expect(warned[0]).toContain(
    `it redirects (HTTP 307) to ${other.url.host}, which is not followed`,
  );
  expect(warned.join()).not.toContain('SECRET');
});

it('connections that are reset, servers that never reply and addresses without one cost some tries', async () => {
  const reset = await hookServer((response) => response.destroy());
  const slow = await hookServer(() => {});
  const gone = new URL('http://127.0.0.1:1/services/SECRET');
  for (const [url, reason] of [
    [reset.url, /it cannot be reached.*, after 4 tries$/],
    [slow.url, /it does not reply, after 4 tries$/],
    [gone, /it cannot be reached.*, after 4 tries$/],
  ] as const) {
    const { webhook, warned } = webhookTo(url, { replyMs: 100 });
    webhook.event(alarm('x'));
    await webhook.close();
    expect(warned[0]).toMatch(reason);
    expect(warned.join()).not.toContain('SECRET');
  }
});

it('the end of a run waits for a reply for a bounded time', async () => {
  const { url, came } = await hookServer(() => {});
  const { webhook, warned } = webhookTo(url, { closeMs: 1 });
  webhook.event(alarm('x'));
  webhook.event(alarm('y'));
  await came(1);
  await webhook.close();
  expect(warned).toEqual([
    `webhook of ${url.host}: a notice was not delivered: the run ended before it replied`,
    `webhook of ${url.host}: 2 notices in all were not delivered`,
  ]);
});

it('a slow server has the newest notices: the oldest of more than 32 are dropped', async () => {
  let reply = () => {};
  const { url, received, came } = await hookServer((response) => {
    reply = () => void response.end();
  }, status(200));
  const { webhook, warned } = webhookTo(url);
  webhook.event(alarm('first'));
  await came(1);
  for (let number = 0; number < 40; number += 1) webhook.event(alarm(`number ${number}`));
  reply();
  await webhook.close();
  expect(received).toHaveLength(33);
  expect(received.at(-1)?.body).toContain('number 39');
  expect(warned[0]).toMatch(/more than 32 notices wait$/);
});

it('a name and a password in the address go into a header', async () => {
  const { url, received } = await hookServer();
  url.username = 'me';
  url.password = 'p%40ss';
  const { webhook } = webhookTo(url);
  webhook.event(alarm('x'));
  await webhook.close();
  const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(received[0]?.headers).toMatchObject({ authorization });
});
