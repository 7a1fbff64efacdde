import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { Alive as _tessera_v1_Alive, Alive__Output as _tessera_v1_Alive__Output } from './tessera/v1/Alive.ts';
import type { Assignment as _tessera_v1_Assignment, Assignment__Output as _tessera_v1_Assignment__Output } from './tessera/v1/Assignment.ts';
import type { Chunk as _tessera_v1_Chunk, Chunk__Output as _tessera_v1_Chunk__Output } from './tessera/v1/Chunk.ts';
import type { ControlClient as _tessera_v1_ControlClient, ControlDefinition as _tessera_v1_ControlDefinition } from './tessera/v1/Control.ts';
import type { CoordinatorMessage as _tessera_v1_CoordinatorMessage, CoordinatorMessage__Output as _tessera_v1_CoordinatorMessage__Output } from './tessera/v1/CoordinatorMessage.ts';
import type { Devices as _tessera_v1_Devices, Devices__Output as _tessera_v1_Devices__Output } from './tessera/v1/Devices.ts';
import type { ExchangeClient as _tessera_v1_ExchangeClient, ExchangeDefinition as _tessera_v1_ExchangeDefinition } from './tessera/v1/Exchange.ts';
import type { ExecutableChunk as _tessera_v1_ExecutableChunk, ExecutableChunk__Output as _tessera_v1_ExecutableChunk__Output } from './tessera/v1/ExecutableChunk.ts';
import type { ExecutableHeader as _tessera_v1_ExecutableHeader, ExecutableHeader__Output as _tessera_v1_ExecutableHeader__Output } from './tessera/v1/ExecutableHeader.ts';
import type { ExecutableKey as _tessera_v1_ExecutableKey, ExecutableKey__Output as _tessera_v1_ExecutableKey__Output } from './tessera/v1/ExecutableKey.ts';
import type { ExecutablePiece as _tessera_v1_ExecutablePiece, ExecutablePiece__Output as _tessera_v1_ExecutablePiece__Output } from './tessera/v1/ExecutablePiece.ts';
import type { ExecutableReply as _tessera_v1_ExecutableReply, ExecutableReply__Output as _tessera_v1_ExecutableReply__Output } from './tessera/v1/ExecutableReply.ts';
import type { ExecutableRequest as _tessera_v1_ExecutableRequest, ExecutableRequest__Output as _tessera_v1_ExecutableRequest__Output } from './tessera/v1/ExecutableRequest.ts';
import type { FeatureRows as _tessera_v1_FeatureRows, FeatureRows__Output as _tessera_v1_FeatureRows__Output } from './tessera/v1/FeatureRows.ts';
import type { FetchRequest as _tessera_v1_FetchRequest, FetchRequest__Output as _tessera_v1_FetchRequest__Output } from './tessera/v1/FetchRequest.ts';
import type { Finish as _tessera_v1_Finish, Finish__Output as _tessera_v1_Finish__Output } from './tessera/v1/Finish.ts';
import type { Heartbeat as _tessera_v1_Heartbeat, Heartbeat__Output as _tessera_v1_Heartbeat__Output } from './tessera/v1/Heartbeat.ts';
import type { Join as _tessera_v1_Join, Join__Output as _tessera_v1_Join__Output } from './tessera/v1/Join.ts';
import type { LeafRange as _tessera_v1_LeafRange, LeafRange__Output as _tessera_v1_LeafRange__Output } from './tessera/v1/LeafRange.ts';
import type { Leave as _tessera_v1_Leave, Leave__Output as _tessera_v1_Leave__Output } from './tessera/v1/Leave.ts';
import type { LogLine as _tessera_v1_LogLine, LogLine__Output as _tessera_v1_LogLine__Output } from './tessera/v1/LogLine.ts';
import type { MemoryPlace as _tessera_v1_MemoryPlace, MemoryPlace__Output as _tessera_v1_MemoryPlace__Output } from './tessera/v1/MemoryPlace.ts';
import type { Node as _tessera_v1_Node, Node__Output as _tessera_v1_Node__Output } from './tessera/v1/Node.ts';
import type { NodeChunk as _tessera_v1_NodeChunk, NodeChunk__Output as _tessera_v1_NodeChunk__Output } from './tessera/v1/NodeChunk.ts';
import type { ProbePiece as _tessera_v1_ProbePiece, ProbePiece__Output as _tessera_v1_ProbePiece__Output } from './tessera/v1/ProbePiece.ts';
import type { ProbeRequest as _tessera_v1_ProbeRequest, ProbeRequest__Output as _tessera_v1_ProbeRequest__Output } from './tessera/v1/ProbeRequest.ts';
import type { PullRequest as _tessera_v1_PullRequest, PullRequest__Output as _tessera_v1_PullRequest__Output } from './tessera/v1/PullRequest.ts';
import type { PushReply as _tessera_v1_PushReply, PushReply__Output as _tessera_v1_PushReply__Output } from './tessera/v1/PushReply.ts';
import type { Ready as _tessera_v1_Ready, Ready__Output as _tessera_v1_Ready__Output } from './tessera/v1/Ready.ts';
import type { SampleChunk as _tessera_v1_SampleChunk, SampleChunk__Output as _tessera_v1_SampleChunk__Output } from './tessera/v1/SampleChunk.ts';
import type { SharedMemory as _tessera_v1_SharedMemory, SharedMemory__Output as _tessera_v1_SharedMemory__Output } from './tessera/v1/SharedMemory.ts';
import type { StatusReply as _tessera_v1_StatusReply, StatusReply__Output as _tessera_v1_StatusReply__Output } from './tessera/v1/StatusReply.ts';
import type { StatusRequest as _tessera_v1_StatusRequest, StatusRequest__Output as _tessera_v1_StatusRequest__Output } from './tessera/v1/StatusRequest.ts';
import type { StopReply as _tessera_v1_StopReply, StopReply__Output as _tessera_v1_StopReply__Output } from './tessera/v1/StopReply.ts';
import type { StopRequest as _tessera_v1_StopRequest, StopRequest__Output as _tessera_v1_StopRequest__Output } from './tessera/v1/StopRequest.ts';
import type { TimeShares as _tessera_v1_TimeShares, TimeShares__Output as _tessera_v1_TimeShares__Output } from './tessera/v1/TimeShares.ts';
import type { Timings as _tessera_v1_Timings, Timings__Output as _tessera_v1_Timings__Output } from './tessera/v1/Timings.ts';
import type { VectorRange as _tessera_v1_VectorRange, VectorRange__Output as _tessera_v1_VectorRange__Output } from './tessera/v1/VectorRange.ts';
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
      Chunk: MessageTypeDefinition<_tessera_v1_Chunk, _tessera_v1_Chunk__Output>
      Control: SubtypeConstructor<typeof grpc.Client, _tessera_v1_ControlClient> & { service: _tessera_v1_ControlDefinition }
      CoordinatorMessage: MessageTypeDefinition<_tessera_v1_CoordinatorMessage, _tessera_v1_CoordinatorMessage__Output>
      Devices: MessageTypeDefinition<_tessera_v1_Devices, _tessera_v1_Devices__Output>
      Exchange: SubtypeConstructor<typeof grpc.Client, _tessera_v1_ExchangeClient> & { service: _tessera_v1_ExchangeDefinition }
      ExecutableChunk: MessageTypeDefinition<_tessera_v1_ExecutableChunk, _tessera_v1_ExecutableChunk__Output>
      ExecutableHeader: MessageTypeDefinition<_tessera_v1_ExecutableHeader, _tessera_v1_ExecutableHeader__Output>
      ExecutableKey: MessageTypeDefinition<_tessera_v1_ExecutableKey, _tessera_v1_ExecutableKey__Output>
      ExecutableOutcome: EnumTypeDefinition
      ExecutablePiece: MessageTypeDefinition<_tessera_v1_ExecutablePiece, _tessera_v1_ExecutablePiece__Output>
      ExecutableReply: MessageTypeDefinition<_tessera_v1_ExecutableReply, _tessera_v1_ExecutableReply__Output>
      ExecutableRequest: MessageTypeDefinition<_tessera_v1_ExecutableRequest, _tessera_v1_ExecutableRequest__Output>
      FeatureRows: MessageTypeDefinition<_tessera_v1_FeatureRows, _tessera_v1_FeatureRows__Output>
      FetchRequest: MessageTypeDefinition<_tessera_v1_FetchRequest, _tessera_v1_FetchRequest__Output>
      Finish: MessageTypeDefinition<_tessera_v1_Finish, _tessera_v1_Finish__Output>
      Heartbeat: MessageTypeDefinition<_tessera_v1_Heartbeat, _tessera_v1_Heartbeat__Output>
      Join: MessageTypeDefinition<_tessera_v1_Join, _tessera_v1_Join__Output>
      LeafRange: MessageTypeDefinition<_tessera_v1_LeafRange, _tessera_v1_LeafRange__Output>
      Leave: MessageTypeDefinition<_tessera_v1_Leave, _tessera_v1_Leave__Output>
      LogLine: MessageTypeDefinition<_tessera_v1_LogLine, _tessera_v1_LogLine__Output>
      MemoryPlace: MessageTypeDefinition<_tessera_v1_MemoryPlace, _tessera_v1_MemoryPlace__Output>
      Node: MessageTypeDefinition<_tessera_v1_Node, _tessera_v1_Node__Output>
      NodeChunk: MessageTypeDefinition<_tessera_v1_NodeChunk, _tessera_v1_NodeChunk__Output>
      ProbePiece: MessageTypeDefinition<_tessera_v1_ProbePiece, _tessera_v1_ProbePiece__Output>
      ProbeRequest: MessageTypeDefinition<_tessera_v1_ProbeRequest, _tessera_v1_ProbeRequest__Output>
      PullRequest: MessageTypeDefinition<_tessera_v1_PullRequest, _tessera_v1_PullRequest__Output>
      PushOutcome: EnumTypeDefinition
      PushReply: MessageTypeDefinition<_tessera_v1_PushReply, _tessera_v1_PushReply__Output>
      Ready: MessageTypeDefinition<_tessera_v1_Ready, _tessera_v1_Ready__Output>
      SampleChunk: MessageTypeDefinition<_tessera_v1_SampleChunk, _tessera_v1_SampleChunk__Output>
      SharedMemory: MessageTypeDefinition<_tessera_v1_SharedMemory, _tessera_v1_SharedMemory__Output>
      Split: EnumTypeDefinition
      StatusReply: MessageTypeDefinition<_tessera_v1_StatusReply, _tessera_v1_StatusReply__Output>
      StatusRequest: MessageTypeDefinition<_tessera_v1_StatusRequest, _tessera_v1_StatusRequest__Output>
      StopReply: MessageTypeDefinition<_tessera_v1_StopReply, _tessera_v1_StopReply__Output>
      StopRequest: MessageTypeDefinition<_tessera_v1_StopRequest, _tessera_v1_StopRequest__Output>
      TimeShares: MessageTypeDefinition<_tessera_v1_TimeShares, _tessera_v1_TimeShares__Output>
      Timings: MessageTypeDefinition<_tessera_v1_Timings, _tessera_v1_Timings__Output>
      ValueType: EnumTypeDefinition
      VectorRange: MessageTypeDefinition<_tessera_v1_VectorRange, _tessera_v1_VectorRange__Output>
      Welcome: MessageTypeDefinition<_tessera_v1_Welcome, _tessera_v1_Welcome__Output>
      WorkKind: EnumTypeDefinition
      WorkerMessage: MessageTypeDefinition<_tessera_v1_WorkerMessage, _tessera_v1_WorkerMessage__Output>
      WorkerStatus: MessageTypeDefinition<_tessera_v1_WorkerStatus, _tessera_v1_WorkerStatus__Output>
    }
  }
}

