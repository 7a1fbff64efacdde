// Original file: proto/tessera/v1/exchange.proto


/**
 * Where a worker's time went since its last push.
 */
export interface Timings {
  'pullMs'?: (number | string);
  'fetchMs'?: (number | string);
  'computeMs'?: (number | string);
  'pushMs'?: (number | string);
  'idleMs'?: (number | string);
}

/**
 * Where a worker's time went since its last push.
 */
export interface Timings__Output {
  'pullMs': (number);
  'fetchMs': (number);
  'computeMs': (number);
  'pushMs': (number);
  'idleMs': (number);
}
