// Original file: proto/tessera/v1/control.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CoordinatorMessage as _tessera_v1_CoordinatorMessage, CoordinatorMessage__Output as _tessera_v1_CoordinatorMessage__Output } from '../../tessera/v1/CoordinatorMessage.ts';
import type { StatusReply as _tessera_v1_StatusReply, StatusReply__Output as _tessera_v1_StatusReply__Output } from '../../tessera/v1/StatusReply.ts';
import type { StatusRequest as _tessera_v1_StatusRequest, StatusRequest__Output as _tessera_v1_StatusRequest__Output } from '../../tessera/v1/StatusRequest.ts';
import type { StopReply as _tessera_v1_StopReply, StopReply__Output as _tessera_v1_StopReply__Output } from '../../tessera/v1/StopReply.ts';
import type { StopRequest as _tessera_v1_StopRequest, StopRequest__Output as _tessera_v1_StopRequest__Output } from '../../tessera/v1/StopRequest.ts';
import type { WorkerMessage as _tessera_v1_WorkerMessage, WorkerMessage__Output as _tessera_v1_WorkerMessage__Output } from '../../tessera/v1/WorkerMessage.ts';

export interface ControlClient extends grpc.Client {
  /**
   * The current state of the run.
   */
  GetStatus(argument: _tessera_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _tessera_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _tessera_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  GetStatus(argument: _tessera_v1_StatusRequest, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  /**
   * The current state of the run.
   */
  getStatus(argument: _tessera_v1_StatusRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _tessera_v1_StatusRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _tessera_v1_StatusRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  getStatus(argument: _tessera_v1_StatusRequest, callback: grpc.requestCallback<_tessera_v1_StatusReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * One worker's session in a run. Its first message is `join`; the stream is open until either side ends it.
   */
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tessera_v1_WorkerMessage, _tessera_v1_CoordinatorMessage__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tessera_v1_WorkerMessage, _tessera_v1_CoordinatorMessage__Output>;
  /**
   * One worker's session in a run. Its first message is `join`; the stream is open until either side ends it.
   */
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_tessera_v1_WorkerMessage, _tessera_v1_CoordinatorMessage__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_tessera_v1_WorkerMessage, _tessera_v1_CoordinatorMessage__Output>;
  
  /**
   * Saves the run and ends it early. For operators.
   */
  StopRun(argument: _tessera_v1_StopRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  StopRun(argument: _tessera_v1_StopRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  StopRun(argument: _tessera_v1_StopRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  StopRun(argument: _tessera_v1_StopRequest, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  /**
   * Saves the run and ends it early. For operators.
   */
  stopRun(argument: _tessera_v1_StopRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  stopRun(argument: _tessera_v1_StopRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  stopRun(argument: _tessera_v1_StopRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  stopRun(argument: _tessera_v1_StopRequest, callback: grpc.requestCallback<_tessera_v1_StopReply__Output>): grpc.ClientUnaryCall;
  
}

export interface ControlHandlers extends grpc.UntypedServiceImplementation {
  /**
   * The current state of the run.
   */
  GetStatus: grpc.handleUnaryCall<_tessera_v1_StatusRequest__Output, _tessera_v1_StatusReply>;
  
  /**
   * One worker's session in a run. Its first message is `join`; the stream is open until either side ends it.
   */
  Session: grpc.handleBidiStreamingCall<_tessera_v1_WorkerMessage__Output, _tessera_v1_CoordinatorMessage>;
  
  /**
   * Saves the run and ends it early. For operators.
   */
  StopRun: grpc.handleUnaryCall<_tessera_v1_StopRequest__Output, _tessera_v1_StopReply>;
  
}

export interface ControlDefinition extends grpc.ServiceDefinition {
  GetStatus: MethodDefinition<_tessera_v1_StatusRequest, _tessera_v1_StatusReply, _tessera_v1_StatusRequest__Output, _tessera_v1_StatusReply__Output>
  Session: MethodDefinition<_tessera_v1_WorkerMessage, _tessera_v1_CoordinatorMessage, _tessera_v1_WorkerMessage__Output, _tessera_v1_CoordinatorMessage__Output>
  StopRun: MethodDefinition<_tessera_v1_StopRequest, _tessera_v1_StopReply, _tessera_v1_StopRequest__Output, _tessera_v1_StopReply__Output>
}
