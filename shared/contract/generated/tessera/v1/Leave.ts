// Original file: proto/tessera/v1/control.proto

import type { LogLine as _tessera_v1_LogLine, LogLine__Output as _tessera_v1_LogLine__Output } from '../../tessera/v1/LogLine.ts';

export interface Leave {
  /**
   * Error code and message if the worker leaves because of a failure; empty otherwise.
   */
  'errorCode'?: (string);
  'reason'?: (string);
  /**
   * What to do about it; may be empty.
   */
  'hint'?: (string);
  /**
   * As in a heartbeat, but the newest lines.
   */
  'log'?: (_tessera_v1_LogLine)[];
}

export interface Leave__Output {
  /**
   * Error code and message if the worker leaves because of a failure; empty otherwise.
   */
  'errorCode': (string);
  'reason': (string);
  /**
   * What to do about it; may be empty.
   */
  'hint': (string);
  /**
   * As in a heartbeat, but the newest lines.
   */
  'log': (_tessera_v1_LogLine__Output)[];
}
