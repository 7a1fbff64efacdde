/** @file Checks a file against what is known of it. */
import { createHash } from 'node:crypto';
import { cannotRead } from './files.ts';
import { streamRegularFile } from './regular-file.ts';

/** What is really known of a file: only what its publisher, or a library that checks it, says. */
export interface KnownContent {
  /** Its size, where it is published to the byte. */
  readonly bytes?: number;
  /** Its checksum; `hex` has only the first digits where only those are published. */
  readonly digest?: { readonly algorithm: 'sha256' | 'md5'; readonly hex: string };
}

/** A file that can be downloaded. */
export interface KnownFile extends KnownContent {
  readonly url: string;
  /** Name that it gets here. */
  readonly file: string;
}

/** SHA-256 and MD5 of a file, in hex. Throws  DATA_INVALID, naming it. */
export async function digestsOfFile(path: string): Promise<{ sha256: string; md5: string }> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  try {
    for await (const chunk of await streamRegularFile(path, { highWaterMark: 1024 ** 2 })) {
      sha256.update(chunk);
      md5.update(chunk);
    }
  } catch (error) {
    throw cannotRead(path, error);
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}

/** What differs from what is known of a file, in words; undefined when nothing does. */
export function mismatchOf(
  bytes: number,
  digests: { readonly sha256: string; readonly md5: string },
  { bytes: knownBytes, digest }: KnownContent,
): string | undefined {
  if (knownBytes !== undefined && knownBytes !== bytes) {
    return `it has ${bytes} bytes, not ${knownBytes}`;
  }
  if (digest === undefined || digests[digest.algorithm].startsWith(digest.hex)) return undefined;
  const { algorithm, hex } = digest;
  return `its ${algorithm} begins with ${digests[algorithm].slice(0, hex.length)}, not ${hex}`;
}
