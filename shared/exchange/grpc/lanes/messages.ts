/** @file What a lane's thread and the coordinator's main thread send each other: small messages, whatever travels. */
import type {
  NodeHeader,
  ParametersRange,
  PushOutcome,
  VectorRange,
} from '../../../contract/messages.ts';
import type { ErrorReport } from '../../../core/error-report.ts';
import { isErrorCode, TesseraError } from '../../../core/errors.ts';
import type { Split } from '../../../core/work.ts';
import type { VectorPlace } from '../../../kernels/vectors.ts';
import type { TlsMaterial } from '../../../security/credentials.ts';
import type { KnownTokens } from '../credentials.ts';
import type { ServerLimits } from '../server.ts';

/** What a lane is started with. */
export interface LaneStart {
  /** HOST:PORT, port 0 for any. */
  readonly listen: string;
  readonly limits: LaneLimits;
  readonly splitSizes: Readonly<Record<Split, number>>;
  /** Undefined for plaintext. */
  readonly security?: LaneSecurity | undefined;
}

/** The limits of a lane. */
export interface LaneLimits extends ServerLimits {
  /** Payload of one chunk. */
  readonly chunkBytes: number;
  /** Longest time of a call. Units  milliseconds. */
  readonly rpcMs: number;
}

/** What a lane shows and asks for; tokens by their hashes. */
interface LaneSecurity {
  readonly material: TlsMaterial;
  readonly tokens: { readonly [Role in keyof KnownTokens]: readonly Uint8Array[] };
}

/** What a call asks; each has a reply. */
export type LaneRequest =
  | {
      readonly type: 'push';
      readonly session: string;
      readonly node: NodeHeader;
      readonly range: VectorRange;
    }
  /** The range of a push is there, checked. The reply is the outcome of the node. */
  | { readonly type: 'arrived' }
  | {
      readonly type: 'pull';
      readonly session: string;
      readonly wanted: ParametersRange;
      readonly range: VectorRange;
    }
  /** All but the end of the range was sent: were the values still those of the version? */
  | { readonly type: 'confirm' };

/** What a lane sends to the main thread. */
export type LaneNews =
  | { readonly type: 'listens'; readonly port: number }
  | { readonly type: 'failed'; readonly error: ErrorReport }
  | { readonly type: 'asks'; readonly call: number; readonly request: LaneRequest }
  /** A call that has asked something is over, and neither reads nor writes the vector from here on. */
  | { readonly type: 'ended'; readonly call: number; readonly error?: ErrorReport }
  | {
      readonly type: 'refused';
      readonly error: ErrorReport;
      readonly method: string;
      readonly peer: string;
    };

/** What the main thread sends to a lane. */
export type LaneOrder =
  | { readonly type: 'start'; readonly start: LaneStart }
  | { readonly type: 'reply'; readonly call: number; readonly reply: LaneReply }
  /** Certificates have changed. */
  | { readonly type: 'renew'; readonly material: TlsMaterial }
  /** Once this is done, the port of messages closes. */
  | { readonly type: 'stop'; readonly graceMs: number };

/** The reply to a request; none of them: the call continues. */
export interface LaneReply {
  /** Where the whole vector is, as far as it travels. */
  readonly place?: VectorPlace;
  readonly outcome?: PushOutcome;
  readonly error?: ErrorReport;
}

/** An error that came from another thread. */
export function errorIn({ code, reason, hint }: ErrorReport): TesseraError {
  return new TesseraError(isErrorCode(code) ? code : 'INTERNAL', reason, { ...(hint && { hint }) });
}
