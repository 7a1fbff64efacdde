/** @file Probes are bounded: bytes of a call, bytes of a minute, calls at a time. */
import { expect, it } from 'vitest';
import { Probes } from '../../../../coordinator/service/probes.ts';
import { PROBE_BYTES_MAX, PROBE_REPLY_BYTES_MAX } from '../../../../shared/contract/messages.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { allOf } from '../../../support/loopback.ts';

function probes() {
  let nowMs = 0;
  const made = new Probes({ nowMs: () => nowMs });
  const ask = (dataBytes: number, replyBytes: number) =>
    made.answer({ data: Buffer.alloc(dataBytes), replyBytes }, { role: 'worker' });
  const codeOf = async (dataBytes: number, replyBytes: number) =>
    await allOf(ask(dataBytes, replyBytes)).then(
      () => 'taken',
      (error: unknown) => TesseraError.from(error).code,
    );
  return { ask, codeOf, later: (ms: number) => (nowMs += ms) };
}

it('replies with as many bytes as are asked for, behind what is here', async () => {
  const [first, ...rest] = await allOf(probes().ask(5, 700_001));
  expect(first).toMatchObject({ role: 'worker' });
  expect(rest.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)).toBe(700_001);
});

it('refuses more bytes in a call than it says', async () => {
  const { codeOf } = probes();
  expect(await codeOf(PROBE_BYTES_MAX + 1, 0)).toBe('MESSAGE_INVALID');
  expect(await codeOf(0, PROBE_REPLY_BYTES_MAX + 1)).toBe('MESSAGE_INVALID');
});

it('refuses more bytes in a minute, and takes them in the next one', async () => {
  const { codeOf, later } = probes();
  for (let call = 0; call < 16; call += 1)
    expect(await codeOf(0, PROBE_REPLY_BYTES_MAX)).toBe('taken');
  expect(await codeOf(0, 1)).toBe('RATE_LIMITED');
  expect(await codeOf(0, 0)).toBe('taken');
  later(60_000);
  expect(await codeOf(0, 1)).toBe('taken');
});

it('refuses more calls at a time, and forgets callers that are gone', async () => {
  const { ask, codeOf } = probes();
  const open = Array.from({ length: 16 }, () => ask(0, 10));
  for (const call of open) await call.next();
  expect(await codeOf(0, 0)).toBe('RATE_LIMITED');
  await open[0]?.return(undefined);
  expect(await codeOf(0, 0)).toBe('taken');
});
