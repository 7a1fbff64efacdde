/** @file What the tables of downloads say of a file: only what its publisher, or a library that checks it, says. */

/** A file that can be downloaded. */
export interface KnownFile {
  readonly url: string;
  /** Name that it gets here. */
  readonly file: string;
  /** Its size, where it is published to the byte. */
  readonly bytes?: number;
  /** Its checksum; `hex` has only the first digits where only those are published. */
  readonly digest?: { readonly algorithm: 'sha256' | 'md5'; readonly hex: string };
}

/** Who says so, and under which terms; shown with --list and in docs/downloads.md. */
export interface Provenance {
  readonly description: string;
  readonly license: string;
}
