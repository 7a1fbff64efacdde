/** @file The words of the worker's core: what can happen to a session and what it can ask for. */
import type { Assignment, ParametersId } from '../../shared/contract/messages.ts';
import type { ErrorReport } from '../../shared/core/error-report.ts';
import type { LeafRange } from '../../shared/core/work.ts';
import type { ParametersChoice } from './wanted-parameters.ts';

/** One maximal aligned node to compute and push. */
export interface NodeTask extends LeafRange, Omit<Assignment, 'sequence' | 'ranges'> {}

/** Where a session stands. */
export type SessionPhase =
  | 'offline'
  | 'joining'
  | 'preparing'
  | 'idle'
  | 'pulling'
  | 'computing'
  | 'stopped';

/** What happens to a session. */
export type SessionEvent =
  | { readonly type: 'started' }
  /** The coordinator took us in. `run` is the id of its run: one worker serves one run only. */
  | {
      readonly type: 'welcomed';
      readonly run: string;
      readonly modelFingerprint: string;
      readonly heartbeatMs: number;
      /** A connection without a message for this long is dead. */
      readonly silenceMs: number;
    }
  | ({ readonly type: 'prepared'; readonly modelFingerprint: string } & ParametersChoice)
  /** `numLeaves` is the number of leaves of the whole round. */
  | { readonly type: 'assigned'; readonly assignment: Assignment; readonly numLeaves: number }
  /** The coordinator has replied to a heartbeat. */
  | { readonly type: 'alive' }
  | ({ readonly type: 'pulled' } & ParametersId)
  /** The pull failed: with an error that may pass, or since that version is not there any more (the next assignment says which is). */
  | { readonly type: 'pullRefused'; readonly version: number; readonly error?: ErrorReport }
  /** The node under way is computed and is being pushed; the next may start. */
  | { readonly type: 'nodeComputed'; readonly task: NodeTask }
  /** The coordinator has replied to the push: accepted, accepted before, or stale. */
  | { readonly type: 'nodePushed'; readonly task: NodeTask }
  /** The node could not be computed or pushed: with an error that may pass, or since its session is over. Its leaves are open again. */
  | { readonly type: 'pushFailed'; readonly task: NodeTask; readonly error?: ErrorReport }
  /** The worker is to go: what is computed is still delivered, the rest handed back. */
  | { readonly type: 'drain' }
  | ({ readonly type: 'connectionLost' } & LostLine)
  /** The coordinator refuses us for good. */
  | ({ readonly type: 'refused' } & ErrorReport)
  | ({ readonly type: 'finished' } & ErrorReport)
  | { readonly type: 'tick' };

/** Why there is no line to the coordinator. */
export interface LostLine {
  readonly reason: string;
  /** Where the coordinator is there, but has no place for us now. */
  readonly code?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What the session asks of the driver, in order. */
export type SessionEffect =
  /** Close the old connection, and after a pause open a session stream and join. */
  | {
      readonly type: 'connect';
      readonly afterMs: number;
      /** Why the line that there was is gone. */
      readonly lost?: LostLine;
    }
  /** Build and compile the model of the welcome; answer `prepared`. */
  | { readonly type: 'prepare' }
  | { readonly type: 'sendReady' }
  | {
      readonly type: 'sendHeartbeat';
      readonly assignment: number;
      readonly leavesOpen: number;
      /** The last error after which it tries again. */
      readonly error?: ErrorReport;
    }
  | ({ readonly type: 'pull' } & ParametersId)
  /** Ask for parameters that will most likely be wanted next, though they are not made yet; no event follows. */
  | ({ readonly type: 'prefetch' } & ParametersId)
  /** Compute and push one node; answer `nodeComputed`, then `nodePushed`. One is computed at a time. */
  | { readonly type: 'compute'; readonly task: NodeTask }
  /** Stop the node in progress as soon as possible: it is not needed. No event follows for it. */
  | { readonly type: 'cancelCompute' }
  /** A transient error has lasted too long: leave, and send the coordinator the reason. */
  | ({ readonly type: 'abandon' } & ErrorReport)
  /** The worker is done: with an error, or without one. */
  | ({ readonly type: 'stop' } & ErrorReport);
