// Original file: proto/tessera/v1/exchange.proto

import type { Long } from '@grpc/proto-loader';

export interface PullRequest {
  'session'?: (string);
  'version'?: (number | string | Long);
}

export interface PullRequest__Output {
  'session': (string);
  'version': (number);
}
