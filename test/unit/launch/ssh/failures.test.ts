/** @file What a failed host means, by the words of ssh and of the host. */
import { describe, expect, it } from 'vitest';
import { addressesFor, listenHost, namesOf } from '../../../../launch/ssh/addresses.ts';
import {
  causeOfEnd,
  codeOfAll,
  fitsNode,
  type HostEnd,
  whyNotReady,
} from '../../../../launch/ssh/failures.ts';
import { failedLine, readHostLine, readJob, readyLine } from '../../../../launch/ssh/protocol.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';

const WANTED = { version: '1.2.3', nodes: '^20.19.0 || ^22.12.0' };
const END: HostEnd = {
  ...{ host: 'gpu1', code: 255, signal: null, found: undefined },
  ...{ reported: undefined, lines: [] },
};
const found = (node: string, tessera: string) =>
  ({ type: 'found', node, tessera, from: '10.0.0.1' }) as const;

describe('a host that is not ready', () => {
  it.each([
    ['root@a: Permission denied (publickey,password).', 'ACCESS_DENIED', /accepts no key/],
    ['Host key verification failed.', 'ACCESS_DENIED', /host key is not known/],
    ['@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @', 'ACCESS_DENIED', /another one/],
    ['ssh: Could not resolve hostname a: Name or service not known', 'WORKERS_LOST', /resolve/],
    ['ssh: connect to host a port 22: Connection refused', 'WORKERS_LOST', /nothing listens/],
    ['ssh: connect to host a port 22: No route to host', 'WORKERS_LOST', /does not answer/],
    ['ssh: connect to host a port 22: Connection timed out', 'WORKERS_LOST', /does not answer/],
    ['kex_exchange_identification: Connection closed by remote host', 'WORKERS_LOST', /closed/],
    ['something new', 'WORKERS_LOST', /exit code 255: something new/],
  ])('by the words of ssh: %s', (line, code, words) => {
    const error = whyNotReady({ ...END, lines: ['Authorised use only.', line] }, WANTED);
    expect(error.code).toBe(code);
    expect(error.sentence).toMatch(words);
  });

  it.each([
    ['v20.20.2', '1.2.2', 'PROTOCOL_MISMATCH', /it has tessera 1\.2\.2, and this is 1\.2\.3/],
    ['v20.20.2', 'absent', 'WORKERS_LOST', /no tessera on its PATH/],
    ['v20.20.2', 'none', 'WORKERS_LOST', /does not start there: SyntaxError: odd/],
    ['v18.20.0', 'none', 'PROTOCOL_MISMATCH', /it has Node v18\.20\.0/],
    ['none', 'absent', 'WORKERS_LOST', /no Node/],
  ])('by its programs: Node %s, tessera %s', (node, tessera, code, words) => {
    const end = { ...END, code: 76, found: found(node, tessera), lines: ['SyntaxError: odd'] };
    const error = whyNotReady(end, WANTED);
    expect(error.code).toBe(code);
    expect(error.sentence).toMatch(words);
  });

  it('by its own error, which comes first', () => {
    const reported = new TesseraError('ENGINE_UNAVAILABLE', 'no engine');
    expect(whyNotReady({ ...END, reported }, WANTED)).toBe(reported);
    expect(causeOfEnd({ ...END, reported })).toBe(reported);
  });

  it('by the last words of its account', () => {
    const lines = ['This account is currently not available.'];
    expect(whyNotReady({ ...END, code: 1, lines }, WANTED).sentence).toContain(lines[0]);
  });
});

it('the end of a host in a run is put down to what ssh or it said', () => {
  const lines = ['Timeout, server gpu1 not responding.'];
  expect(causeOfEnd({ ...END, lines })).toEqual({
    sentence: 'it does not answer: Timeout, server gpu1 not responding',
  });
  expect(causeOfEnd({ ...END, code: 0 })).toEqual({ sentence: 'it left during the run' });
  expect(causeOfEnd({ ...END, code: null, signal: 'SIGKILL' })).toBeUndefined();
});

it('the error of a launch is that which no second try mends', () => {
  const of = (code: 'WORKERS_LOST' | 'ACCESS_DENIED') => new TesseraError(code, 'x');
  expect(codeOfAll([of('WORKERS_LOST'), of('ACCESS_DENIED')])).toBe('ACCESS_DENIED');
  expect(codeOfAll([of('WORKERS_LOST')])).toBe('WORKERS_LOST');
});

it.each([
  ['v20.19.0', true],
  ['v20.18.9', false],
  ['v22.12.1', true],
  ['v22.1.0', false],
  ['v21.9.0', false],
])('Node %s fits: %s', (node, fits) => expect(fitsNode(node, WANTED.nodes)).toBe(fits));

describe('lines between launcher and host', () => {
  it('are known behind what a login shell prints, and nothing else is', () => {
    const ready = { node: 'v20.20.2', workers: 2 };
    expect(readHostLine(`welcome ${readyLine(ready)}`)).toEqual({ type: 'ready', ...ready });
    const failed = readHostLine(failedLine(new TesseraError('SYSTEM', 'no files', { hint: 'x' })));
    expect(failed).toMatchObject({ type: 'failed', error: { code: 'SYSTEM', hint: 'x' } });
    for (const noise of ['welcome', 'tessera-host/1 ready {}', 'tessera-host/1 found x', '']) {
      expect(readHostLine(noise), noise).toBeUndefined();
    }
  });

  it.each(['', '{}', '{"addresses":[],"authority":"","token":"","verbose":true}'])(
    'a job that is none is refused: %s',
    (line) => expect(() => readJob(line)).toThrow(/not a job/),
  );
});

describe('addresses', () => {
  const ways = {
    named: undefined,
    own: ['10.0.0.1', 'fe80::1', '192.168.0.1'],
    seen: ['10.0.0.1'],
  };

  it('are those by which a host sees us, then our others', () => {
    expect(addressesFor('192.168.0.1', ways, 5)).toEqual(['192.168.0.1:5', '10.0.0.1:5']);
    expect(addressesFor('203.0.113.9', ways, 5).at(-1)).toBe('203.0.113.9:5');
    expect(addressesFor('', ways, 5)).toEqual(['127.0.0.1:5']);
    expect(addressesFor('10.0.0.1', { ...ways, named: 'head' }, 5)).toEqual(['head:5']);
    expect(namesOf(ways)).toEqual(['10.0.0.1', '192.168.0.1']);
  });

  it('are listened on where hosts are elsewhere', () => {
    expect(listenHost(ways)).toBe('0.0.0.0');
    expect(listenHost({ ...ways, seen: ['', '127.0.0.1'] })).toBe('127.0.0.1');
    expect(listenHost({ named: undefined, own: ['fd00::1'], seen: ['fd00::1'] })).toBe('::');
  });
});
