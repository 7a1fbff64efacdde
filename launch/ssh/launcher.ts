/** @file The launcher of hosts: each process of a slot is `tessera launch host` over ssh. It decides nothing. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { Launcher, LaunchNotice, WorkerLife, WorkerSlot } from '../launcher.ts';
import { NEVER_STARTED, type WorkerDeath } from '../worker-exit.ts';
import type { HostConnection } from './connection.ts';
import { causeOfEnd, type HostEnd } from './failures.ts';
import type { Job } from './protocol.ts';

/** What hosts are launched with. */
export interface SshLauncherOptions {
  /** Connections of hosts that are ready, each for the first life of its host. */
  readonly ready: ReadonlyMap<string, HostConnection>;
  /** Makes a connection for a later life. */
  readonly connect: (name: string) => HostConnection;
  /** The job of a host, which sees us at this address. */
  readonly jobFor: (seenFrom: string) => Job;
}

/** Starts hosts, and starts them again. */
export class SshLauncher implements Launcher {
  readonly #options: SshLauncherOptions;
  readonly #first: Map<string, HostConnection>;

  constructor(options: SshLauncherOptions) {
    this.#options = options;
    this.#first = new Map(options.ready);
  }

  start({ name }: WorkerSlot): WorkerLife {
    const { connect, jobFor } = this.#options;
    const connection = this.#first.get(name) ?? connect(name);
    this.#first.delete(name);
    let whyNot: unknown;
    const begun = connection.ready.then(
      () => connection.send(jobFor(connection.seenFrom)),
      (error: unknown) => {
        whyNot = error;
      },
    );
    const ended = connection.end.then(async (end): Promise<WorkerDeath> => {
      await begun;
      const { code, signal } = end;
      const cause = whyNot === undefined ? causeOfEnd(end) : softened(whyNot, end);
      return { name, pid: undefined, how: howItEnded(end), code, signal, cause, logPath: '' };
    });
    return {
      pid: undefined,
      exited: connection.exited,
      ended,
      end: () => connection.close(),
      kill: () => connection.kill(),
    };
  }

  /** What hosts print comes by itself. */
  look(): readonly LaunchNotice[] {
    return [];
  }
}

/** A host that was there and is not now may come back: the next try need not have that error again. */
function softened(thrown: unknown, { reported }: HostEnd): WorkerDeath['cause'] {
  const error = TesseraError.from(thrown);
  if (error === reported || error.code !== 'WORKERS_LOST') return error;
  return { sentence: error.sentence, hint: error.hint };
}

function howItEnded({ code, signal }: HostEnd): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? NEVER_STARTED : `exit code ${code}`;
}
