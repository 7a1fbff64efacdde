import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Alive as _tessera_v1_Alive, Alive__Output as _tessera_v1_Alive__Output } from './tessera/v1/Alive.ts';
import type { Assignment as _tessera_v1_Assignment, Assignment__Output as _tessera_v1_Assignment__Output } from './tessera/v1/Assignment.ts';
import type { ControlClient as _tessera_v1_ControlClient, ControlDefinition as _tessera_v1_ControlDefinition } from './tessera/v1/Control.ts';
import type { CoordinatorMessage as _tessera_v1_CoordinatorMessage, CoordinatorMessage__Output as _tessera_v1_CoordinatorMessage__Output } from './tessera/v1/CoordinatorMessage.ts';
import type { Devices as _tessera_v1_Devices, Devices__Output as _tessera_v1_Devices__Output } from './tessera/v1/Devices.ts';
import type { Finish as _tessera_v1_Finish, Finish__Output as _tessera_v1_Finish__Output } from './tessera/v1/Finish.ts';
import type { Heartbeat as _tessera_v1_Heartbeat, Heartbeat__Output as _tessera_v1_Heartbeat__Output } from './tessera/v1/Heartbeat.ts';
import type { Join as _tessera_v1_Join, Join__Output as _tessera_v1_Join__Output } from './tessera/v1/Join.ts';
import type { LeafRange as _tessera_v1_LeafRange, LeafRange__Output as _tessera_v1_LeafRange__Output } from './tessera/v1/LeafRange.ts';
import type { Leave as _tessera_v1_Leave, Leave__Output as _tessera_v1_Leave__Output } from './tessera/v1/Leave.ts';
import type { LogLine as _tessera_v1_LogLine, LogLine__Output as _tessera_v1_LogLine__Output } from './tessera/v1/LogLine.ts';
import type { MemoryPlace as _tessera_v1_MemoryPlace, MemoryPlace__Output as _tessera_v1_MemoryPlace__Output } from './tessera/v1/MemoryPlace.ts';
import type { Ready as _tessera_v1_Ready, Ready__Output as _tessera_v1_Ready__Output } from './tessera/v1/Ready.ts';
import type { SharedMemory as _tessera_v1_SharedMemory, SharedMemory__Output as _tessera_v1_SharedMemory__Output } from './tessera/v1/SharedMemory.ts';
import type { StatusReply as _tessera_v1_StatusReply, StatusReply__Output as _tessera_v1_StatusReply__Output } from './tessera/v1/StatusReply.ts';
import type { StatusRequest as _tessera_v1_StatusRequest, StatusRequest__Output as _tessera_v1_StatusRequest__Output } from './tessera/v1/StatusRequest.ts';
import type { StopReply as _tessera_v1_StopReply, StopReply__Output as _tessera_v1_StopReply__Output } from './tessera/v1/StopReply.ts';
import type { StopRequest as _tessera_v1_StopRequest, StopRequest__Output as _tessera_v1_StopRequest__Output } from './tessera/v1/StopRequest.ts';
import type { TimeShares as _tessera_v1_TimeShares, TimeShares__Output as _tessera_v1_TimeShares__Output } from './tessera/v1/TimeShares.ts';
import type { Welcome as _tessera_v1_Welcome, Welcome__Output as _tessera_v1_Welcome__Output } from './tessera/v1/Welcome.ts';
import type { WorkerMessage as _tessera_v1_WorkerMessage, WorkerMessage__Output as _tessera_v1_WorkerMessage__Output } from './tessera/v1/WorkerMessage.ts';
import type { WorkerStatus as _tessera_v1_WorkerStatus, WorkerStatus__Output as _tessera_v1_WorkerStatus__Output } from './tessera/v1/WorkerStatus.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tessera: {
    v1: {
      Alive: MessageTypeDefinition<_tessera_v1_Alive, _tessera_v1_Alive__Output>
      Assignment: MessageTypeDefinition<_tessera_v1_Assignment, _tessera_v1_Assignment__Output>
      Control: SubtypeConstructor<typeof grpc.Client, _tessera_v1_ControlClient> & { service: _tessera_v1_ControlDefinition }
      CoordinatorMessage: MessageTypeDefinition<_tessera_v1_CoordinatorMessage, _tessera_v1_CoordinatorMessage__Output>
      Devices: MessageTypeDefinition<_tessera_v1_Devices, _tessera_v1_Devices__Output>
      Finish: MessageTypeDefinition<_tessera_v1_Finish, _tessera_v1_Finish__Output>
      Heartbeat: MessageTypeDefinition<_tessera_v1_Heartbeat, _tessera_v1_Heartbeat__Output>
      Join: MessageTypeDefinition<_tessera_v1_Join, _tessera_v1_Join__Output>
      LeafRange: MessageTypeDefinition<_tessera_v1_LeafRange, _tessera_v1_LeafRange__Output>
      Leave: MessageTypeDefinition<_tessera_v1_Leave, _tessera_v1_Leave__Output>
      LogLine: MessageTypeDefinition<_tessera_v1_LogLine, _tessera_v1_LogLine__Output>
      MemoryPlace: MessageTypeDefinition<_tessera_v1_MemoryPlace, _tessera_v1_MemoryPlace__Output>
      Ready: MessageTypeDefinition<_tessera_v1_Ready, _tessera_v1_Ready__Output>
      SharedMemory: MessageTypeDefinition<_tessera_v1_SharedMemory, _tessera_v1_SharedMemory__Output>
      StatusReply: MessageTypeDefinition<_tessera_v1_StatusReply, _tessera_v1_StatusReply__Output>
      StatusRequest: MessageTypeDefinition<_tessera_v1_StatusRequest, _tessera_v1_StatusRequest__Output>
      StopReply: MessageTypeDefinition<_tessera_v1_StopReply, _tessera_v1_StopReply__Output>
      StopRequest: MessageTypeDefinition<_tessera_v1_StopRequest, _tessera_v1_StopRequest__Output>
      TimeShares: MessageTypeDefinition<_tessera_v1_TimeShares, _tessera_v1_TimeShares__Output>
      Welcome: MessageTypeDefinition<_tessera_v1_Welcome, _tessera_v1_Welcome__Output>
      WorkKind: EnumTypeDefinition
      WorkerMessage: MessageTypeDefinition<_tessera_v1_WorkerMessage, _tessera_v1_WorkerMessage__Output>
      WorkerStatus: MessageTypeDefinition<_tessera_v1_WorkerStatus, _tessera_v1_WorkerStatus__Output>
    }
  }
}

