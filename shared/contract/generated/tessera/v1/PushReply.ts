// Original file: proto/tessera/v1/exchange.proto

import type { PushOutcome as _tessera_v1_PushOutcome, PushOutcome__Output as _tessera_v1_PushOutcome__Output } from '../../tessera/v1/PushOutcome.ts';

export interface PushReply {
  'outcome'?: (_tessera_v1_PushOutcome);
}

export interface PushReply__Output {
  'outcome': (_tessera_v1_PushOutcome__Output);
}
