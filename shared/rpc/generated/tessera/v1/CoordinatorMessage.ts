// Original file: proto/tessera/v1/control.proto

import type { Welcome as _tessera_v1_Welcome, Welcome__Output as _tessera_v1_Welcome__Output } from '../../tessera/v1/Welcome.ts';
import type { Assignment as _tessera_v1_Assignment, Assignment__Output as _tessera_v1_Assignment__Output } from '../../tessera/v1/Assignment.ts';
import type { Finish as _tessera_v1_Finish, Finish__Output as _tessera_v1_Finish__Output } from '../../tessera/v1/Finish.ts';

export interface CoordinatorMessage {
  'welcome'?: (_tessera_v1_Welcome | null);
  'assignment'?: (_tessera_v1_Assignment | null);
  'finish'?: (_tessera_v1_Finish | null);
  'message'?: "welcome"|"assignment"|"finish";
}

export interface CoordinatorMessage__Output {
  'welcome'?: (_tessera_v1_Welcome__Output | null);
  'assignment'?: (_tessera_v1_Assignment__Output | null);
  'finish'?: (_tessera_v1_Finish__Output | null);
  'message'?: "welcome"|"assignment"|"finish";
}
