/** @file Who may take part in a run, the same protocol and the same model, and what a worker is told of it. */
import { TesseraError } from '../shared/core/errors.ts';
import type { DataSource } from '../shared/data/source.ts';
import { PROTOCOL_VERSION } from '../shared/rpc/protos.ts';
import type { RunIdentity } from './assemble.ts';
import type { JoinRequest, WelcomeInfo } from './port.ts';

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

/** Everything that a worker that is taken in needs to know. */
export function welcomeOf(
  { worker, session }: { readonly worker: string; readonly session: string },
  { config, configJson, modelFingerprint, runId, dataJson }: RunIdentity,
  { classes, size }: DataSource,
): WelcomeInfo {
  return {
    worker,
    run: config.name,
    session,
    configJson,
    modelFingerprint,
    classes,
    trainSamples: size.train,
    validationSamples: size.validation,
    testSamples: size.test,
    heartbeatMs: config.cluster.heartbeatMs,
    silenceMs: config.cluster.silenceMs,
    runId,
    dataJson: config.data.access === 'local' ? dataJson : '',
  };
}
