/** @file Decisions of `tessera serve`: batches, heads of requests, forms, figures. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher } from '../../../../tools/serve/batcher.ts';
import { ServerMetrics } from '../../../../tools/serve/metrics.ts';
import { boundaryOf, fileInForm } from '../../../../tools/serve/multipart.ts';
import { judgeHead } from '../../../../tools/serve/requests.ts';

describe('batches', () => {
  it('one image is computed at once, those that come meanwhile together', () => {
    const batcher = new Batcher({ batch: 2, waitingMax: 8 });
    const arrive = (id: number) => batcher.handle({ type: 'arrive', id }, 0);
    expect(arrive(1)).toEqual([{ type: 'compute', ids: [1] }]);
    expect([arrive(2), arrive(3), arrive(4)]).toEqual([[], [], []]);
    expect(batcher.handle({ type: 'leave', id: 2 }, 1)).toEqual([]);
    expect(batcher.handle({ type: 'computed' }, 2)).toEqual([{ type: 'compute', ids: [3, 4] }]);
    expect(batcher.handle({ type: 'computed' }, 3)).toEqual([]);
  });

  it('a full queue refuses, and asks to wait as long as half of it takes', () => {
    const batcher = new Batcher({ batch: 2, waitingMax: 8 });
    batcher.handle({ type: 'arrive', id: 0 }, 0);
    batcher.handle({ type: 'computed' }, 3000);
    for (let id = 1; id < 10; id += 1) batcher.handle({ type: 'arrive', id }, 3000);
    expect(batcher.waiting).toBe(8);
    const refusal = { type: 'refuse', id: 10, retryAfterSeconds: 6 };
    expect(batcher.handle({ type: 'arrive', id: 10 }, 3000)).toEqual([refusal]);
  });

  it('each image is computed once, refused once, or left; batches and queue keep their bounds', () => {
    const step = fc.constantFrom('arrive', 'leave', 'computed');
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 1, max: 4 }), (steps, batch) => {
        const batcher = new Batcher({ batch, waitingMax: 3 });
        const open = new Set<number>();
        let computing: readonly number[] = [];
        let last = 0;
        const take = (event: Parameters<Batcher['handle']>[0]) => {
          for (const effect of batcher.handle(event, last)) {
            const ids = effect.type === 'compute' ? effect.ids : [effect.id];
            for (const id of ids) expect(open.delete(id)).toBe(true);
            if (effect.type === 'refuse') continue;
            expect([computing.length, ids.length <= batch]).toEqual([0, true]);
            computing = ids;
          }
        };
        for (const type of steps) {
          last += 1;
          if (type === 'arrive') {
            open.add(last);
            take({ type, id: last });
          } else if (type === 'computed') {
            if (computing.length === 0) continue;
            computing = [];
            take({ type });
          } else {
            const [id = 0] = open;
            open.delete(id);
            take({ type, id });
          }
          expect([batcher.waiting, batcher.waiting <= 3]).toEqual([open.size, true]);
          if (computing.length === 0) expect(open.size).toBe(0);
        }
      }),
    );
  });
});

describe('heads of requests', () => {
  const rules = { isLocal: true, bodyBytesMax: 100 };
  const judge = (method: string, url: string, headers: Record<string, string> = {}) =>
    judgeHead({ method, url, headers: { host: '127.0.0.1:8000', ...headers } }, rules);

  it('known paths', () => {
    expect(judge('GET', '/')).toEqual({ type: 'page' });
    expect(judge('HEAD', '/health')).toEqual({ type: 'health' });
    expect(judge('GET', '/metrics?x')).toEqual({ type: 'metrics' });
    const predict = { type: 'predict', top: 3, withLogits: true };
    expect(judge('POST', '/predict?top=3&logits=1')).toEqual(predict);
  });

  it.each([
    [404, 'GET', '/favicon.ico', {}],
    [404, 'GET', '/constructor', {}],
    [405, 'GET', '/predict', {}],
    [405, 'POST', '/', {}],
    [400, 'POST', '/predict?top=0', {}],
    [400, 'POST', '/predict?top=1e3', {}],
    [400, 'POST', '/predict?logits=yes', {}],
    [413, 'POST', '/predict', { 'content-length': '101' }],
    [403, 'POST', '/predict', { 'sec-fetch-site': 'cross-site' }],
    [421, 'GET', '/', { host: 'evil.example' }],
    [421, 'GET', '/', { host: '' }],
  ])('%s for %s %s %j', (status, method, url, headers) => {
    expect(judge(method, url, headers as Record<string, string>)).toMatchObject({
      type: 'refused',
      status,
    });
  });

  it('on loopback the names of this machine, elsewhere any', () => {
    for (const host of ['localhost', 'localhost:8000', '[::1]:8000', '127.0.0.1']) {
      expect(judge('GET', '/', { host })).toEqual({ type: 'page' });
    }
    const head = { method: 'GET', url: '/', headers: { host: 'vit.example' } };
    expect(judgeHead(head, { ...rules, isLocal: false })).toEqual({ type: 'page' });
  });
});

describe('forms', () => {
  const part = (header: string, body: Uint8Array) =>
    Buffer.concat([Buffer.from(`--b\r\ncontent-disposition: form-data; ${header}\r\n\r\n`), body]);
  const end = Buffer.from('\r\n--b--\r\n');

  it('boundaries', () => {
    expect(boundaryOf('multipart/form-data; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Form-Data; charset=x; boundary="a b"')).toBe('a b');
    expect(boundaryOf('image/jpeg')).toBeUndefined();
    expect(boundaryOf('multipart/form-data')).toBeUndefined();
  });

  it('any bytes without the boundary come out as they are, whatever stands before them', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (bytes, field) => {
        fc.pre(![bytes, field].some((it) => Buffer.from(it).includes('--b')));
        const form = Buffer.concat([
          part('name="token"', field),
          Buffer.from('\r\n'),
          part('name="photo"; filename="x.jpg"', bytes),
          end,
        ]);
        expect(fileInForm(form, 'b')).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('a form without a file, or without an end, has none', () => {
    expect(fileInForm(Buffer.concat([part('name="x"', Buffer.of(1)), end]), 'b')).toBeUndefined();
    expect(fileInForm(part('name="x"; filename="y"', Buffer.of(1)), 'b')).toBeUndefined();
    expect(fileInForm(Buffer.alloc(0), 'b')).toBeUndefined();
  });
});

it('figures are in the text format of Prometheus', () => {
  const metrics = new ServerMetrics();
  metrics.replied(200, 0.02);
  metrics.replied(422, 0.02);
  metrics.computed(3, 0.5);
  const text = metrics.text({ waiting: 1, connections: 2, heldBytes: 3, residentBytes: 4 });
  for (const line of text.trimEnd().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]+"\})? [\d.]+)$/);
  }
  expect(text).toContain('tessera_predict_replies_total{status="422"} 1\n');
  expect(text).toContain('tessera_predict_seconds_bucket{le="0.025"} 1\n');
  expect(text).toContain('tessera_predict_seconds_bucket{le="0.01"} 0\n');
  expect(text).toContain('tessera_batch_images_sum 3\n');
});
