// Original file: proto/tessera/v1/control.proto


/**
 * Shares of a worker's time; their sum is 1.
 */
export interface TimeShares {
  'pull'?: (number | string);
  'fetch'?: (number | string);
  'compute'?: (number | string);
  'push'?: (number | string);
  'idle'?: (number | string);
}

/**
 * Shares of a worker's time; their sum is 1.
 */
export interface TimeShares__Output {
  'pull': (number);
  'fetch': (number);
  'compute': (number);
  'push': (number);
  'idle': (number);
}
