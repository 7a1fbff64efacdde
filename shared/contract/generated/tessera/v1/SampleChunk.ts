// Original file: proto/tessera/v1/exchange.proto


/**
 * Pieces of one sample follow each other; `last` closes it.
 */
export interface SampleChunk {
  'index'?: (number);
  'label'?: (number);
  /**
   * True when the data are raw pixels (height, width, channels, one byte each), false for an encoded image file.
   */
  'raw'?: (boolean);
  'height'?: (number);
  'width'?: (number);
  'channels'?: (number);
  /**
   * Name of the sample for messages, relative to the data set.
   */
  'name'?: (string);
  'crc32'?: (number);
  'data'?: (Buffer | Uint8Array | string);
  'last'?: (boolean);
}

/**
 * Pieces of one sample follow each other; `last` closes it.
 */
export interface SampleChunk__Output {
  'index': (number);
  'label': (number);
  /**
   * True when the data are raw pixels (height, width, channels, one byte each), false for an encoded image file.
   */
  'raw': (boolean);
  'height': (number);
  'width': (number);
  'channels': (number);
  /**
   * Name of the sample for messages, relative to the data set.
   */
  'name': (string);
  'crc32': (number);
  'data': (Buffer);
  'last': (boolean);
}
