/** @file The worker's session over gRPC. */
import {
  decodeAlive,
  decodeAssignment,
  decodeFinish,
  decodeWelcome,
  encodeHeartbeat,
  encodeLeave,
  encodeReady,
} from '../../contract/control-codec.ts';
import type { CoordinatorMessage__Output } from '../../contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { WorkerMessage } from '../../contract/generated/tessera/v1/WorkerMessage.ts';
import type { JoinRequest } from '../../contract/messages.ts';
import { TesseraError } from '../../core/errors.ts';
import type { ControlLine, SessionListener, WorkerSession } from '../control-line.ts';
import { clearerError, isUnclear } from '../probe/unclear.ts';
import { type DuplexReader, type DuplexWriter, openDuplex } from './calls.ts';
import { type ConnectionSettings, connectControl } from './channel.ts';

/** Deadline for the reply to a join after the connection was accepted. */
const WELCOME_MS = 20_000;
/** A welcome has the config of a run and the names of its classes. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** The session stream as messages: over gRPC, or through the simulator's network. */
export interface SessionCalls {
  /** Opens a stream over a new connection; it must have its first reply within `firstReplyMs`. */
  open(
    firstReplyMs: number,
    reader: DuplexReader<CoordinatorMessage__Output>,
  ): DuplexWriter<WorkerMessage>;
  close(): void;
}

/**
 * The session stream of gRPC to the coordinator at `address`.
 *
 * Throws  USAGE when `address` is not HOST:PORT; ACCESS_DENIED when it is another machine's and there is no TLS.
 */
export function grpcSessionCalls(
  address: string,
  security: Omit<ConnectionSettings, 'limits'>,
): SessionCalls {
  const connection = { ...security, limits: { messageBytes: MESSAGE_BYTES_MAX } };
  let control = connectControl(address, connection);
  const explained = closedWithCause(address, connection);
  return {
    open(firstReplyMs, reader) {
      control.close();
      control = connectControl(address, connection);
      const settings = { address, what: 'the session', firstReplyMs };
      return openDuplex(settings, control.session(), explained(reader));
    },
    close: () => control.close(),
  };
}

/** Sessions whose messages are those of proto/. */
export class GrpcControlLine implements ControlLine {
  readonly #calls: SessionCalls;

  constructor(calls: SessionCalls) {
    this.#calls = calls;
  }

  join(request: JoinRequest, listener: SessionListener): WorkerSession {
    const stream = this.#calls.open(WELCOME_MS, {
      onMessage: (message) => dispatch(listener, message),
      onClosed: (error) => listener.onClosed(error),
    });
    stream.send({ join: request });
    return {
      sendReady: (ready) => stream.send({ ready: encodeReady(ready) }),
      sendHeartbeat: (heartbeat) => stream.send({ heartbeat: encodeHeartbeat(heartbeat) }),
      sendLeave: (leave) => stream.send({ leave: encodeLeave(leave) }),
      close: () => stream.close(),
    };
  }

  close(): void {
    this.#calls.close();
  }
}

function dispatch(listener: SessionListener, message: CoordinatorMessage__Output): void {
  if (message.welcome) listener.onWelcome(decodeWelcome(message.welcome));
  else if (message.assignment) listener.onAssignment(decodeAssignment(message.assignment));
  else if (message.alive) listener.onAlive(decodeAlive(message.alive));
  else if (message.finish) listener.onFinish(decodeFinish(message.finish));
  else throw new TesseraError('MESSAGE_INVALID', 'session: a message of an unknown kind');
}

/** A look at an address costs it two connections: no more often than so. */
const LOOKS_PAUSE_MS = 10_000;

/** Readers of sessions that learn what is at `address`, where a session ends before its first message for an unclear reason. */
function closedWithCause(address: string, { security }: ConnectionSettings) {
  let lookedMs = Number.NEGATIVE_INFINITY;
  let found: TesseraError | undefined;
  const look = async (error: TesseraError): Promise<TesseraError> => {
    if (performance.now() - lookedMs < LOOKS_PAUSE_MS) return found ?? error;
    lookedMs = performance.now();
    found = await clearerError(error, { address, isSecure: security !== undefined });
    return found;
  };
  return <Reply>(reader: DuplexReader<Reply>): DuplexReader<Reply> => {
    let hasSpoken = false;
    return {
      onMessage(message) {
        hasSpoken = true;
        reader.onMessage(message);
      },
      onClosed(error) {
        if (error === undefined || !isUnclear(error) || hasSpoken) reader.onClosed(error);
        else void look(error).then((clearer) => reader.onClosed(clearer));
      },
    };
  };
}
