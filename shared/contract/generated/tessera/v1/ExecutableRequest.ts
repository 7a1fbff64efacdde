// Original file: proto/tessera/v1/exchange.proto

import type { ExecutableKey as _tessera_v1_ExecutableKey, ExecutableKey__Output as _tessera_v1_ExecutableKey__Output } from '../../tessera/v1/ExecutableKey.ts';

export interface ExecutableRequest {
  'session'?: (string);
  'key'?: (_tessera_v1_ExecutableKey | null);
}

export interface ExecutableRequest__Output {
  'session': (string);
  'key': (_tessera_v1_ExecutableKey__Output | null);
}
