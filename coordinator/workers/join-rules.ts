/** @file Which workers may join a run (same protocol, same model), and the welcome that they receive. */
import {
  type JoinRequest,
  PROTOCOL_VERSION,
  type WelcomeInfo,
} from '../../shared/contract/messages.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DataSource } from '../../shared/data/source.ts';
import type { RunIdentity } from '../../shared/runs/identity.ts';

/** What a worker must agree on with the run. */
type Expected = Pick<RunIdentity, 'modelFingerprint' | 'tesseraVersion'>;

/** Throws  PROTOCOL_MISMATCH when a worker speaks another protocol, or comes with the model of another run. */
export function refuseJoin(request: JoinRequest, expected: Expected): void {
  const { name, protocolVersion, modelFingerprint: built } = request;
  if (protocolVersion !== PROTOCOL_VERSION) {
    throw new TesseraError(
      'PROTOCOL_MISMATCH',
      `${whoIs(name)} speaks protocol ${protocolVersion}, this coordinator ${PROTOCOL_VERSION}`,
      { hint: sameVersion(expected) },
    );
  }
  if (built === '' || built === expected.modelFingerprint) return;
  // It has built a model before it came here: for the run that was at this address, or before the run was changed.
  throw new TesseraError(
    'PROTOCOL_MISMATCH',
    `${whoIs(name)} has built the model of another run (${modelsOf(built, expected)})`,
    {
      hint: 'start that worker again to work for this run; or give it the address of its own run',
    },
  );
}

/** Throws  PROTOCOL_MISMATCH when a worker has built another model of this run's config than this coordinator. */
export function refuseModel(built: string, expected: Expected): void {
  if (built === expected.modelFingerprint) return;
  throw new TesseraError(
    'PROTOCOL_MISMATCH',
    `the worker builds another model of this run's config than this coordinator (${modelsOf(built, expected)})`,
    { hint: sameVersion(expected) },
  );
}

function whoIs(name: string): string {
  return name === '' ? 'the worker' : `worker "${name}"`;
}

function modelsOf(built: string, { modelFingerprint }: Expected): string {
  return `${built.slice(0, 12)}, where this run trains ${modelFingerprint.slice(0, 12)}`;
}

function sameVersion({ tesseraVersion }: Expected): string {
  return `install tessera ${tesseraVersion}, the version of the coordinator, on the machine of the worker, and start the worker again`;
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
    takesLog: true,
  };
}
