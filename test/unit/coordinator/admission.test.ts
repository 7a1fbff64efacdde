/** @file Who may take part in a run. */
import { describe, expect, it } from 'vitest';
import { refuseModel, refuseStranger } from '../../../coordinator/admission.ts';
import { PROTOCOL_VERSION } from '../../../shared/rpc/protos.ts';

const join = {
  protocolVersion: PROTOCOL_VERSION,
  name: 'w1',
  instance: 'i',
  engine: 'auto',
  host: 'h',
  pid: 1,
  modelFingerprint: '',
};

describe('admission', () => {
  it('takes in a worker of this protocol that has compiled nothing, or this model', () => {
    expect(() => refuseStranger(join, 'model')).not.toThrow();
    expect(() => refuseStranger({ ...join, modelFingerprint: 'model' }, 'model')).not.toThrow();
  });

  it('refuses another protocol version, naming both and what to do', () => {
    const stranger = { ...join, protocolVersion: PROTOCOL_VERSION + 1 };
    expect(() => refuseStranger(stranger, 'model')).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_MISMATCH',
        message: expect.stringContaining(
          `"w1" speaks protocol ${PROTOCOL_VERSION + 1}, this coordinator ${PROTOCOL_VERSION}`,
        ),
        hint: expect.stringMatching(/same version/),
      }),
    );
  });

  it('refuses another model, at the join and when ready', () => {
    const stranger = { ...join, modelFingerprint: 'other' };
    expect(() => refuseStranger(stranger, 'model')).toThrow(/PROTOCOL_MISMATCH/);
    expect(() => refuseModel('other', 'model')).toThrow(/built model other, this run trains model/);
  });
});
