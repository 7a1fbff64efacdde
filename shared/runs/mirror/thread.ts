/** @file The thread that copies checkpoints to the mirror, so that the coordinator's own never waits for it. */
import { existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../core/clock.ts';
import { TesseraError } from '../../core/errors.ts';
import { storeAccess } from '../../objects/credentials.ts';
import { type CredentialSource, parsePlace } from '../../objects/place.ts';
import { ObjectStore } from '../../objects/store.ts';
import { mayPass } from '../../objects/tries.ts';
import { copyCheckpoint } from './copy.ts';
import { type DueCheckpoint, MirrorQueue } from './queue.ts';

/** What the thread is started with. */
export interface MirrorStart {
  readonly place: string;
  readonly credentials: CredentialSource;
  readonly runFolder: string;
  readonly keep: number;
}

/** What the thread is sent: a checkpoint, or that none follows. */
export type MirrorRequest = { readonly saved: DueCheckpoint } | { readonly closing: true };

/** What the thread sends. */
export type MirrorReply =
  | {
      readonly type: 'copied';
      readonly step: number;
      readonly bytes: number;
      readonly seconds: number;
    }
  | {
      readonly type: 'failed';
      readonly step: number;
      readonly reason: string;
      readonly hint: string | undefined;
      /** The first in a row. */
      readonly isNews: boolean;
      readonly isFinal: boolean;
    }
  | { readonly type: 'empty' };

const { place, credentials, ...parts } = workerData as MirrorStart;
const queue = new MirrorQueue();
let store: ObjectStore | undefined;
let timer: NodeJS.Timeout | undefined;
let isClosing = false;

parentPort?.on('message', (request: MirrorRequest) => {
  if ('saved' in request) queue.saved(request.saved);
  else {
    isClosing = true;
    queue.closing();
  }
  work();
});

/** Copies what is due, if nothing is being copied. */
function work(): void {
  clearTimeout(timer);
  const next = queue.next(systemClock.nowMs());
  if (next === undefined) {
    if (isClosing && queue.isEmpty) say({ type: 'empty' });
  } else if ('waitMs' in next) timer = setTimeout(work, next.waitMs);
  else void copy(next).finally(work);
}

async function copy(due: DueCheckpoint): Promise<void> {
  const startedMs = systemClock.nowMs();
  try {
    store ??= new ObjectStore({ place: parsePlace(place), access: await storeAccess(credentials) });
    const { step, bytes } = await copyCheckpoint(due, { ...parts, store });
    queue.copied();
    say({ type: 'copied', step, bytes, seconds: (systemClock.nowMs() - startedMs) / 1000 });
  } catch (thrown) {
    failed(due, TesseraError.from(thrown));
  }
}

function failed(due: DueCheckpoint, error: TesseraError): void {
  const facts = { mayPass: mayPass(error), isThere: existsSync(due.folder) };
  const isNews = queue.failed(due, facts, systemClock.nowMs());
  if (isNews === undefined) return;
  const isFinal = error.code === 'CHECKPOINT_MISMATCH';
  if (isFinal) queue.end();
  const { sentence: reason, hint } = error;
  say({ type: 'failed', step: due.step, reason, hint, isNews, isFinal });
}

function say(reply: MirrorReply): void {
  parentPort?.postMessage(reply);
}
