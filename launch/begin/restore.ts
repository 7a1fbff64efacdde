/** @file An empty run folder and a mirror: brings the newest whole checkpoint here, so that `--resume auto` continues it. */
import { identityJson } from '../../shared/config/fingerprint.ts';
import { openOptions } from '../../shared/config/fitting.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { withSettings } from '../../shared/config/settings.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { isRecord, jsonRecord } from '../../shared/core/text.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { makeFolder } from '../../shared/files/files.ts';
import { storeAccess } from '../../shared/objects/credentials.ts';
import { parsePlace } from '../../shared/objects/place.ts';
import { ObjectStore } from '../../shared/objects/store.ts';
import { TRIES, type TriesBudget } from '../../shared/objects/tries.ts';
import { checkpointFolder, listCheckpoints } from '../../shared/runs/checkpoint/layout.ts';
import { type CheckpointState, refuseOtherRun } from '../../shared/runs/checkpoint/state.ts';
import { lockRun } from '../../shared/runs/lock/run-lock.ts';
import { type Restored, restoreRun } from '../../shared/runs/mirror/restore.ts';

/** A run that may be in a mirror. */
export interface RestoreRequest {
  readonly config: LoadedConfig['config'];
  readonly runFolder: string;
  readonly signal: AbortSignal | undefined;
  /** Gets what is being done, in sentences. */
  readonly notify: (level: 'info' | 'warn', sentence: string) => void;
  /** Refuses the run of a mirror, in place of comparing its settings with the config. Throws  CHECKPOINT_MISMATCH. */
  readonly refuse?: ((keptConfig: Record<string, unknown>) => Promise<void>) | undefined;
  /** What a store that does not reply may cost before the run is refused. */
  readonly budget?: TriesBudget;
}

/** Sentences about a restore that takes long: one for each of these parts. */
const PARTS = 10;
/** A restore of less is over before it is read. */
const SAID_FROM_BYTES = 64 * 1024 ** 2;

/**
 * Restores the run of the config's mirror into a folder without a checkpoint; undefined where there is nothing to restore.
 *
 * Throws  CHECKPOINT_MISMATCH for the mirror of another run; RUN_IN_USE; CHECKPOINT_CORRUPT; ACCESS_DENIED; TIMEOUT when the
 *         store cannot be reached: a run that is there does not begin again.
 */
export async function restoreFromMirror(request: RestoreRequest): Promise<Restored | undefined> {
  const { config, runFolder, signal, notify, budget = TRIES } = request;
  const { mirror, mirrorCredentials } = config.checkpoint;
  if (mirror === undefined || (await listCheckpoints(runFolder)).length > 0) return undefined;
  const access = await storeAccess(mirrorCredentials);
  let hasRetried = false;
  const onRetry = (sentence: string) => {
    if (!hasRetried) notify('warn', `${sentence}: trying again`);
    hasRetried = true;
  };
  const store = new ObjectStore({ place: parsePlace(mirror), access, budget, signal, onRetry });
  await makeFolder(runFolder);
  const lock = await lockRun(runFolder, {
    ...(signal && { signal }),
    onWait: (sentence: string) => notify('warn', sentence),
  });
  try {
    // Another process may have done so while the lock was waited for.
    if ((await listCheckpoints(runFolder)).length > 0) return undefined;
    const restored = await restoreRun({
      ...{ store, runFolder },
      refuse: async (state, configText) => {
        const kept = jsonRecord(configText) ?? {};
        if (request.refuse === undefined) refuseSettings(request, state);
        else await request.refuse(kept);
        notify('info', `restoring step ${state.step} from ${mirror}`);
      },
      onSkip: (sentence) => notify('warn', sentence),
      onProgress: progressLines((text) => notify('info', text)),
    });
    if (restored !== undefined) {
      notify('info', `restored step ${restored.step}, ${formatBytes(restored.bytes)}`);
    }
    return restored;
  } catch (thrown) {
    throw unreached(TesseraError.from(thrown), {
      mirror,
      endpoint: access.endpoint,
      tries: budget.tries,
    });
  } finally {
    await lock.release();
  }
}

/** Refuses the settings of another run; which data set it has is compared once that is open. */
function refuseSettings({ config, runFolder }: RestoreRequest, state: CheckpointState): void {
  const kept = jsonRecord(state.identityJson) ?? {};
  const at = (path: readonly string[]) =>
    path.reduce<unknown>((part, key) => (isRecord(part) ? part[key] : undefined), kept);
  const open = openOptions(config).map((option) => option.split('.'));
  // What the config leaves open the run has settled.
  const settings = open.map((path) => ({ path, value: at(path) }));
  const whole = withSettings(config, settings) as unknown as RunConfig;
  const { modelFingerprint, trainSamples, validationSamples, testSamples, classes } = kept;
  if (!Array.isArray(classes)) return;
  const facts = { modelFingerprint, trainSamples, validationSamples, testSamples, classes };
  const json = identityJson(whole, facts as Parameters<typeof identityJson>[1]);
  refuseOtherRun(`${checkpointFolder(runFolder, state.step)} of the mirror`, state, json);
}

/** A restore cannot be left out: a run that is there would begin again without a message. */
function unreached(
  error: TesseraError,
  where: { readonly mirror: string; readonly endpoint: string | undefined; readonly tries: number },
): TesseraError {
  const { code, sentence, details } = error;
  if (code === 'CHECKPOINT_MISMATCH') {
    const hint = 'resume with the same config, or give a new run a checkpoint.mirror of its own';
    return new TesseraError(code, sentence, { hint, details, cause: error });
  }
  if (code !== 'TIMEOUT' && code !== 'ACCESS_DENIED') return error;
  const { mirror, endpoint, tries } = where;
  const place = endpoint === undefined ? mirror : `${mirror} at ${endpoint}`;
  const tried = code === 'TIMEOUT' ? ` (tried ${tries} times)` : '';
  const way = error.hint ?? 'start the same line again once the store replies';
  return new TesseraError(code, `cannot look for the run in ${place}${tried}: ${sentence}`, {
    ...{ details, cause: error },
    hint: `nothing was begun, since the run may be there: ${way}, or begin without a mirror: --set checkpoint.mirror=null`,
  });
}

function progressLines(
  say: (text: string) => void,
): (progress: { readonly bytes: number; readonly total: number }) => void {
  let said = 0;
  return ({ bytes, total }) => {
    const part = Math.floor((bytes / total) * PARTS);
    if (total < SAID_FROM_BYTES || part <= said || part === PARTS) return;
    said = part;
    say(`restoring: ${formatBytes(bytes)} of ${formatBytes(total)}`);
  };
}
