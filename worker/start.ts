/** @file Starts a worker: its link to the coordinator, its driver, its end. */
import { userExecutables } from '../shared/compute/executable-cache.ts';
import { systemClock } from '../shared/core/clock.ts';
import { GrpcControlLine, grpcSessionCalls } from '../shared/exchange/grpc/control-line.ts';
import type { ClientSecurity } from '../shared/exchange/grpc/credentials.ts';
import { grpcExchanges } from '../shared/exchange/grpc/lanes/open.ts';
import type { Logger } from '../shared/machine/log.ts';
import { isOwnListener } from '../shared/machine/socket-owner.ts';
import type { LogRing } from './core/log-ring.ts';
import { WorkerDriver } from './driver.ts';
import { WorkerLink } from './exchange/link.ts';
import { type EngineStart, prepare, type WorkerChoice } from './prepare.ts';

/** What a worker is started with. */
export interface StartWorkerOptions {
  /** HOST:PORT of the coordinator. */
  readonly address: string;
  /** A name for people; '' lets the coordinator choose. */
  readonly name: string;
  readonly choice: WorkerChoice;
  /** How long to look for a coordinator that is not there (any more). */
  readonly reconnectMs?: number;
  /** What the coordinator must show, and what we do; undefined for plaintext. */
  readonly security?: ClientSecurity | undefined;
  /** The user has typed that plaintext may leave this machine. */
  readonly insecure?: boolean | undefined;
  /** Starts what computes, in place of the engine that `choice` names. */
  readonly startEngine?: EngineStart;
  readonly log: Logger;
  /** The newest lines of the log, for the coordinator. */
  readonly ring?: LogRing;
  readonly signal: AbortSignal;
}

const RECONNECT_MS = 60_000;

/**
 * Works for the run at an address until it is over.
 *
 * Throws  ACCESS_DENIED, COORDINATOR_UNREACHABLE, PROTOCOL_MISMATCH, ENGINE_UNAVAILABLE, CANCELLED, or what ended the run.
 */
export async function startWorker(options: StartWorkerOptions): Promise<void> {
  const { address, name, choice, log, signal, security, insecure, startEngine } = options;
  const connection = { security, insecure };
  const driver = new WorkerDriver({
    link: new WorkerLink(
      new GrpcControlLine(grpcSessionCalls(address, connection)),
      grpcExchanges(address, connection),
    ),
    clock: systemClock,
    log,
    ...(options.ring && { ring: options.ring }),
    name,
    choice,
    prepare: (welcome, chosen, readers) => prepare(welcome, chosen, readers, startEngine),
    mayShareExecutables: () => security !== undefined || isOwnListener(address),
    executableCache: userExecutables({ note: (err, sentence) => log.debug({ err }, sentence) }),
    seed: process.pid,
    memoryBytes: () => process.memoryUsage.rss(),
    reconnectMs: options.reconnectMs ?? RECONNECT_MS,
    signal,
  });
  await driver.run();
}
