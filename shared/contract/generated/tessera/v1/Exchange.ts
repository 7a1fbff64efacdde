// Original file: proto/tessera/v1/exchange.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _tessera_v1_Chunk, Chunk__Output as _tessera_v1_Chunk__Output } from '../../tessera/v1/Chunk.ts';
import type { ExecutableChunk as _tessera_v1_ExecutableChunk, ExecutableChunk__Output as _tessera_v1_ExecutableChunk__Output } from '../../tessera/v1/ExecutableChunk.ts';
import type { ExecutablePiece as _tessera_v1_ExecutablePiece, ExecutablePiece__Output as _tessera_v1_ExecutablePiece__Output } from '../../tessera/v1/ExecutablePiece.ts';
import type { ExecutableReply as _tessera_v1_ExecutableReply, ExecutableReply__Output as _tessera_v1_ExecutableReply__Output } from '../../tessera/v1/ExecutableReply.ts';
import type { ExecutableRequest as _tessera_v1_ExecutableRequest, ExecutableRequest__Output as _tessera_v1_ExecutableRequest__Output } from '../../tessera/v1/ExecutableRequest.ts';
import type { FeatureRows as _tessera_v1_FeatureRows, FeatureRows__Output as _tessera_v1_FeatureRows__Output } from '../../tessera/v1/FeatureRows.ts';
import type { FetchRequest as _tessera_v1_FetchRequest, FetchRequest__Output as _tessera_v1_FetchRequest__Output } from '../../tessera/v1/FetchRequest.ts';
import type { NodeChunk as _tessera_v1_NodeChunk, NodeChunk__Output as _tessera_v1_NodeChunk__Output } from '../../tessera/v1/NodeChunk.ts';
import type { ProbePiece as _tessera_v1_ProbePiece, ProbePiece__Output as _tessera_v1_ProbePiece__Output } from '../../tessera/v1/ProbePiece.ts';
import type { ProbeRequest as _tessera_v1_ProbeRequest, ProbeRequest__Output as _tessera_v1_ProbeRequest__Output } from '../../tessera/v1/ProbeRequest.ts';
import type { PullRequest as _tessera_v1_PullRequest, PullRequest__Output as _tessera_v1_PullRequest__Output } from '../../tessera/v1/PullRequest.ts';
import type { PushReply as _tessera_v1_PushReply, PushReply__Output as _tessera_v1_PushReply__Output } from '../../tessera/v1/PushReply.ts';
import type { SampleChunk as _tessera_v1_SampleChunk, SampleChunk__Output as _tessera_v1_SampleChunk__Output } from '../../tessera/v1/SampleChunk.ts';

export interface ExchangeClient extends grpc.Client {
  /**
   * Streams a compiled program that the run keeps for all workers, or says what the caller does without it.
   */
  FetchExecutable(argument: _tessera_v1_ExecutableRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ExecutablePiece__Output>;
  FetchExecutable(argument: _tessera_v1_ExecutableRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ExecutablePiece__Output>;
  /**
   * Streams a compiled program that the run keeps for all workers, or says what the caller does without it.
   */
  fetchExecutable(argument: _tessera_v1_ExecutableRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ExecutablePiece__Output>;
  fetchExecutable(argument: _tessera_v1_ExecutableRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ExecutablePiece__Output>;
  
  /**
   * Streams the features of samples, in the requested order; samples without computed features are left out.
   */
  FetchFeatures(argument: _tessera_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_FeatureRows__Output>;
  FetchFeatures(argument: _tessera_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_FeatureRows__Output>;
  /**
   * Streams the features of samples, in the requested order; samples without computed features are left out.
   */
  fetchFeatures(argument: _tessera_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_FeatureRows__Output>;
  fetchFeatures(argument: _tessera_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_FeatureRows__Output>;
  
  /**
   * Streams the encoded bytes of samples, in the requested order.
   */
  FetchSamples(argument: _tessera_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_SampleChunk__Output>;
  FetchSamples(argument: _tessera_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_SampleChunk__Output>;
  /**
   * Streams the encoded bytes of samples, in the requested order.
   */
  fetchSamples(argument: _tessera_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_SampleChunk__Output>;
  fetchSamples(argument: _tessera_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_SampleChunk__Output>;
  
  /**
   * Measures the way between the caller and the coordinator, and says what is at the other end. It needs no session and
   * changes nothing in the run.
   */
  Probe(argument: _tessera_v1_ProbeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ProbePiece__Output>;
  Probe(argument: _tessera_v1_ProbeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ProbePiece__Output>;
  /**
   * Measures the way between the caller and the coordinator, and says what is at the other end. It needs no session and
   * changes nothing in the run.
   */
  probe(argument: _tessera_v1_ProbeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ProbePiece__Output>;
  probe(argument: _tessera_v1_ProbeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_ProbePiece__Output>;
  
  /**
   * Streams the parameters of one version.
   */
  PullParameters(argument: _tessera_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_Chunk__Output>;
  PullParameters(argument: _tessera_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_Chunk__Output>;
  /**
   * Streams the parameters of one version.
   */
  pullParameters(argument: _tessera_v1_PullRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_Chunk__Output>;
  pullParameters(argument: _tessera_v1_PullRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tessera_v1_Chunk__Output>;
  
  /**
   * Brings a program that the caller has compiled, or reports that it does not compile it after all.
   */
  PushExecutable(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  PushExecutable(metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  PushExecutable(options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  PushExecutable(callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  /**
   * Brings a program that the caller has compiled, or reports that it does not compile it after all.
   */
  pushExecutable(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  pushExecutable(metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  pushExecutable(options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  pushExecutable(callback: grpc.requestCallback<_tessera_v1_ExecutableReply__Output>): grpc.ClientWritableStream<_tessera_v1_ExecutableChunk>;
  
  /**
   * Sends one finished node of the sum tree. Idempotent: the reply to a duplicate is ACCEPTED_BEFORE.
   */
  PushNode(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  PushNode(metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  PushNode(options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  PushNode(callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  /**
   * Sends one finished node of the sum tree. Idempotent: the reply to a duplicate is ACCEPTED_BEFORE.
   */
  pushNode(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  pushNode(metadata: grpc.Metadata, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  pushNode(options: grpc.CallOptions, callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  pushNode(callback: grpc.requestCallback<_tessera_v1_PushReply__Output>): grpc.ClientWritableStream<_tessera_v1_NodeChunk>;
  
}

export interface ExchangeHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Streams a compiled program that the run keeps for all workers, or says what the caller does without it.
   */
  FetchExecutable: grpc.handleServerStreamingCall<_tessera_v1_ExecutableRequest__Output, _tessera_v1_ExecutablePiece>;
  
  /**
   * Streams the features of samples, in the requested order; samples without computed features are left out.
   */
  FetchFeatures: grpc.handleServerStreamingCall<_tessera_v1_FetchRequest__Output, _tessera_v1_FeatureRows>;
  
  /**
   * Streams the encoded bytes of samples, in the requested order.
   */
  FetchSamples: grpc.handleServerStreamingCall<_tessera_v1_FetchRequest__Output, _tessera_v1_SampleChunk>;
  
  /**
   * Measures the way between the caller and the coordinator, and says what is at the other end. It needs no session and
   * changes nothing in the run.
   */
  Probe: grpc.handleServerStreamingCall<_tessera_v1_ProbeRequest__Output, _tessera_v1_ProbePiece>;
  
  /**
   * Streams the parameters of one version.
   */
  PullParameters: grpc.handleServerStreamingCall<_tessera_v1_PullRequest__Output, _tessera_v1_Chunk>;
  
  /**
   * Brings a program that the caller has compiled, or reports that it does not compile it after all.
   */
  PushExecutable: grpc.handleClientStreamingCall<_tessera_v1_ExecutableChunk__Output, _tessera_v1_ExecutableReply>;
  
  /**
   * Sends one finished node of the sum tree. Idempotent: the reply to a duplicate is ACCEPTED_BEFORE.
   */
  PushNode: grpc.handleClientStreamingCall<_tessera_v1_NodeChunk__Output, _tessera_v1_PushReply>;
  
}

export interface ExchangeDefinition extends grpc.ServiceDefinition {
  FetchExecutable: MethodDefinition<_tessera_v1_ExecutableRequest, _tessera_v1_ExecutablePiece, _tessera_v1_ExecutableRequest__Output, _tessera_v1_ExecutablePiece__Output>
  FetchFeatures: MethodDefinition<_tessera_v1_FetchRequest, _tessera_v1_FeatureRows, _tessera_v1_FetchRequest__Output, _tessera_v1_FeatureRows__Output>
  FetchSamples: MethodDefinition<_tessera_v1_FetchRequest, _tessera_v1_SampleChunk, _tessera_v1_FetchRequest__Output, _tessera_v1_SampleChunk__Output>
  Probe: MethodDefinition<_tessera_v1_ProbeRequest, _tessera_v1_ProbePiece, _tessera_v1_ProbeRequest__Output, _tessera_v1_ProbePiece__Output>
  PullParameters: MethodDefinition<_tessera_v1_PullRequest, _tessera_v1_Chunk, _tessera_v1_PullRequest__Output, _tessera_v1_Chunk__Output>
  PushExecutable: MethodDefinition<_tessera_v1_ExecutableChunk, _tessera_v1_ExecutableReply, _tessera_v1_ExecutableChunk__Output, _tessera_v1_ExecutableReply__Output>
  PushNode: MethodDefinition<_tessera_v1_NodeChunk, _tessera_v1_PushReply, _tessera_v1_NodeChunk__Output, _tessera_v1_PushReply__Output>
}
