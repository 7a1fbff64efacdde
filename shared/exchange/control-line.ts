/** @file A worker's session with its coordinator: the small messages, whatever carries them. */
import type {
  Assignment,
  Heartbeat,
  JoinRequest,
  Leave,
  Ready,
  WelcomeInfo,
} from '../contract/messages.ts';
import type { ErrorReport } from '../core/error-report.ts';
import type { TesseraError } from '../core/errors.ts';

/** What happens in a session, in order: a welcome, then assignments, perhaps a finish, then the end. */
export interface SessionListener {
  onWelcome(welcome: WelcomeInfo): void;
  onAssignment(assignment: Assignment): void;
  /** The coordinator has replied to a heartbeat, and has the lines of this worker's log up to that number. */
  onAlive(log: number): void;
  onFinish(finish: ErrorReport): void;
  /** The session is over, once; never after our own `close`. An error says why it was refused or lost. */
  onClosed(error: TesseraError | undefined): void;
}

/** The worker's end of a session. Sending on one that is over does nothing. */
export interface WorkerSession {
  sendReady(ready: Ready): void;
  sendHeartbeat(heartbeat: Heartbeat): void;
  /** A goodbye, because of an error or without one. */
  sendLeave(leave: Leave): void;
  /** Ends the session; what was sent before still arrives. */
  close(): void;
}

/** A way to one coordinator, for one session after the other. */
export interface ControlLine {
  /** Joins over a new connection, in place of the one before. Every result is reported to the listener. */
  join(request: JoinRequest, listener: SessionListener): WorkerSession;
  /** Closes the connection. */
  close(): void;
}
