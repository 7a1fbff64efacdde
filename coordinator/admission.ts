/** @file Who may take part in a run: the same protocol, the same model. */
import { TesseraError } from '../shared/core/errors.ts';
import { PROTOCOL_VERSION } from '../shared/rpc/protos.ts';
import type { JoinRequest } from './port.ts';

const HINT = 'install the same version of tessera on both machines and start the worker again';

/** Throws  PROTOCOL_MISMATCH when a worker speaks another protocol or has compiled another model. */
export function refuseStranger(request: JoinRequest, modelFingerprint: string): void {
  const { name, protocolVersion } = request;
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new TesseraError(
      'PROTOCOL_MISMATCH',
      `worker "${name}" speaks protocol ${protocolVersion}, this coordinator ${PROTOCOL_VERSION}`,
      { hint: HINT },
    );
  }
  if (request.modelFingerprint !== '') refuseModel(request.modelFingerprint, modelFingerprint);
}

/** Throws  PROTOCOL_MISMATCH when a worker has built another model than the run's. */
export function refuseModel(built: string, expected: string): void {
  if (built === expected) return;
  throw new TesseraError(
    'PROTOCOL_MISMATCH',
    `the worker built model ${built.slice(0, 12)}, this run trains ${expected.slice(0, 12)}`,
    { hint: HINT },
  );
}
