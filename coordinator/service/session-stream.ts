/**
 * @file One worker's session stream: the order of its messages, and the port calls that they become.
 *
 * Invariant: `sessionClosed` is called exactly once for every `join` that succeeded.
 */

import {
  decodeHeartbeat,
  decodeJoin,
  decodeLeave,
  decodeReady,
  encodeMessage,
  encodeWelcome,
} from '../../shared/contract/control-codec.ts';
import type { CoordinatorMessage as WireMessage } from '../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { WorkerMessage__Output } from '../../shared/contract/generated/tessera/v1/WorkerMessage.ts';
import type { WelcomeInfo } from '../../shared/contract/messages.ts';
import { wirePresent } from '../../shared/contract/validate.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { DuplexListener, DuplexPeer } from '../../shared/exchange/grpc/handlers.ts';
import type { MemoryHost } from '../../shared/exchange/memory/memory-host.ts';
import type { JoinGate } from '../workers/join-rate-limit.ts';
import type { SessionHandle } from '../workers/sessions.ts';
import type { CoordinatorPort } from './run-port.ts';

/** A stream that says nothing for so long is not a worker's. */
const JOIN_MS = 10_000;

/** A session stream as it begins. */
export interface SessionStart {
  readonly port: CoordinatorPort;
  readonly peer: DuplexPeer<WireMessage>;
  readonly clock: Clock;
  readonly gate: JoinGate;
  /** Undefined where all bulk travels by wire. */
  readonly memory?: MemoryHost | undefined;
  /** Ports of the lanes. */
  readonly lanes?: readonly number[];
}

/** Listens to a stream from its first message, which must be `join`. */
export function listenToWorker({
  port,
  peer,
  clock,
  gate,
  memory,
  lanes = [],
}: SessionStart): DuplexListener<WorkerMessage__Output> {
  let joined: WelcomeInfo | undefined;
  let hasLeft = false;
  const handle: SessionHandle = {
    send: (message) => peer.send(encodeMessage(message)),
    close: (error) => peer.end(error),
  };
  const settled = new AbortController();
  const tooLate = () => peer.end(new TesseraError('TIMEOUT', `no join within ${JOIN_MS} ms`));
  clock.sleep(JOIN_MS, settled.signal).then(tooLate, () => {});

  return {
    onMessage(message) {
      if (hasLeft) throw outOfOrder(message, 'after leave');
      if (joined === undefined) {
        if (message.message !== 'join') throw outOfOrder(message, 'before join');
        gate.pass(peer.peer);
        joined = port.join(decodeJoin(wirePresent(message.join, 'join')), handle);
        settled.abort();
        const shared = memory?.offer(joined.session, peer.peer);
        return peer.send(encodeWelcome({ ...joined, memory: shared, lanes }));
      }
      hasLeft = message.message === 'leave';
      forward(port, joined.worker, message);
    },
    onClosed(reason) {
      settled.abort();
      if (joined === undefined) return;
      memory?.end(joined.session);
      port.sessionClosed(joined.session, reason);
    },
  };
}

function forward(port: CoordinatorPort, worker: string, message: WorkerMessage__Output): void {
  switch (message.message) {
    case 'ready': {
      port.ready(worker, decodeReady(wirePresent(message.ready, 'ready')));
      break;
    }
    case 'heartbeat':
      port.heartbeat(worker, decodeHeartbeat(wirePresent(message.heartbeat, 'heartbeat')));
      break;
    case 'leave':
      port.leave(worker, decodeLeave(wirePresent(message.leave, 'leave')));
      break;
    default:
      throw outOfOrder(message, 'after join');
  }
}

function outOfOrder(message: WorkerMessage__Output, when: string): TesseraError {
  const name = message.message ?? 'a message of no known kind';
  return new TesseraError('MESSAGE_INVALID', `session: ${name} ${when}`);
}
