// Original file: proto/tessera/v1/control.proto

import type { Welcome as _tessera_v1_Welcome, Welcome__Output as _tessera_v1_Welcome__Output } from '../../tessera/v1/Welcome.ts';
import type { Assignment as _tessera_v1_Assignment, Assignment__Output as _tessera_v1_Assignment__Output } from '../../tessera/v1/Assignment.ts';
import type { Finish as _tessera_v1_Finish, Finish__Output as _tessera_v1_Finish__Output } from '../../tessera/v1/Finish.ts';
import type { Alive as _tessera_v1_Alive, Alive__Output as _tessera_v1_Alive__Output } from '../../tessera/v1/Alive.ts';

export interface CoordinatorMessage {
  'welcome'?: (_tessera_v1_Welcome | null);
  'assignment'?: (_tessera_v1_Assignment | null);
  'finish'?: (_tessera_v1_Finish | null);
  'alive'?: (_tessera_v1_Alive | null);
  'message'?: "welcome"|"assignment"|"finish"|"alive";
}

export interface CoordinatorMessage__Output {
  'welcome'?: (_tessera_v1_Welcome__Output | null);
  'assignment'?: (_tessera_v1_Assignment__Output | null);
  'finish'?: (_tessera_v1_Finish__Output | null);
  'alive'?: (_tessera_v1_Alive__Output | null);
  'message'?: "welcome"|"assignment"|"finish"|"alive";
}
