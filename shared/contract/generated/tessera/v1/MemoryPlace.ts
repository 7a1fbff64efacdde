// Original file: proto/tessera/v1/control.proto


/**
 * A file without a name, as descriptor `fd` of process `pid`.
 */
export interface MemoryPlace {
  'pid'?: (number);
  'fd'?: (number);
  /**
   * What the file begins with, in hex: so that no other file is taken for it. Data begin at byte 4096.
   */
  'nonce'?: (string);
}

/**
 * A file without a name, as descriptor `fd` of process `pid`.
 */
export interface MemoryPlace__Output {
  'pid': (number);
  'fd': (number);
  /**
   * What the file begins with, in hex: so that no other file is taken for it. Data begin at byte 4096.
   */
  'nonce': (string);
}
