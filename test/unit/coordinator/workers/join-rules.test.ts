/** @file Who may take part in a run. */

import { describe, expect, it } from 'vitest';
import { refuseJoin, refuseModel } from '../../../../coordinator/workers/join-rules.ts';
import { PROTOCOL_VERSION } from '../../../../shared/contract/messages.ts';

const join = {
  protocolVersion: PROTOCOL_VERSION,
  name: 'w1',
  instance: 'i',
  engine: 'auto',
  host: 'h',
  pid: 1,
  modelFingerprint: '',
};

const run = { modelFingerprint: 'model', tesseraVersion: '1.2.3' };

describe('admission', () => {
  it('takes in a worker of this protocol that has compiled nothing, or this model', () => {
    expect(() => refuseJoin(join, run)).not.toThrow();
    expect(() => refuseJoin({ ...join, modelFingerprint: 'model' }, run)).not.toThrow();
    expect(() => refuseModel('model', run)).not.toThrow();
  });

  const otherProtocol = { ...join, protocolVersion: PROTOCOL_VERSION + 1 };
  const otherRun = { ...join, modelFingerprint: 'other' };
  it.each([
    [
      'another protocol',
      () => refuseJoin(otherProtocol, run),
      `"w1" speaks protocol ${PROTOCOL_VERSION + 1}, this coordinator ${PROTOCOL_VERSION}`,
      /install tessera 1\.2\.3/,
    ],
    [
      'a worker that was built for another run, which no other version mends',
      () => refuseJoin(otherRun, run),
      '"w1" has built the model of another run (other, where this run trains model)',
      /^start that worker again (?!.*version)/,
    ],
    [
      'a worker that builds another model of this run',
      () => refuseModel('other', run),
      "another model of this run's config",
      /install tessera 1\.2\.3/,
    ],
  ])('refuses %s, with a hint of its own', (_what, refuse, sentence, hint) => {
    expect(refuse).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_MISMATCH',
        message: expect.stringContaining(sentence),
        hint: expect.stringMatching(hint),
      }),
    );
  });
});
