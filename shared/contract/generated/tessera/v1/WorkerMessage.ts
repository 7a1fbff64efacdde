// Original file: proto/tessera/v1/control.proto

import type { Join as _tessera_v1_Join, Join__Output as _tessera_v1_Join__Output } from '../../tessera/v1/Join.ts';
import type { Ready as _tessera_v1_Ready, Ready__Output as _tessera_v1_Ready__Output } from '../../tessera/v1/Ready.ts';
import type { Heartbeat as _tessera_v1_Heartbeat, Heartbeat__Output as _tessera_v1_Heartbeat__Output } from '../../tessera/v1/Heartbeat.ts';
import type { Leave as _tessera_v1_Leave, Leave__Output as _tessera_v1_Leave__Output } from '../../tessera/v1/Leave.ts';

export interface WorkerMessage {
  'join'?: (_tessera_v1_Join | null);
  'ready'?: (_tessera_v1_Ready | null);
  'heartbeat'?: (_tessera_v1_Heartbeat | null);
  'leave'?: (_tessera_v1_Leave | null);
  'message'?: "join"|"ready"|"heartbeat"|"leave";
}

export interface WorkerMessage__Output {
  'join'?: (_tessera_v1_Join__Output | null);
  'ready'?: (_tessera_v1_Ready__Output | null);
  'heartbeat'?: (_tessera_v1_Heartbeat__Output | null);
  'leave'?: (_tessera_v1_Leave__Output | null);
  'message'?: "join"|"ready"|"heartbeat"|"leave";
}
