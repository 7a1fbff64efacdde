/** @file SHA-256 of bytes, at once. */
import { createHash } from 'node:crypto';

/** In hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
