// Original file: proto/tessera/v1/exchange.proto


/**
 * Which compiled program.
 */
export interface ExecutableKey {
  /**
   * SHA-256, in hex, of what decides its contents: text, options, plugin, its version, kind of device.
   */
  'digest'?: (string);
  /**
   * For people, on one line ("training of ViT-Ti/16 for NVIDIA H200").
   */
  'title'?: (string);
}

/**
 * Which compiled program.
 */
export interface ExecutableKey__Output {
  /**
   * SHA-256, in hex, of what decides its contents: text, options, plugin, its version, kind of device.
   */
  'digest': (string);
  /**
   * For people, on one line ("training of ViT-Ti/16 for NVIDIA H200").
   */
  'title': (string);
}
