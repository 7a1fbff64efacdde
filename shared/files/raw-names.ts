/**
 * @file Names of files as the system has them: bytes, which need not be UTF-8.
 *
 * A name is held as text. A byte that is not a part of UTF-8 is held as the lone surrogate U+DC80 + (byte - 128), which
 * no text decodes to, so that the bytes can be had back. Source  Python's `surrogateescape` (PEP 383).
 */
import { isUtf8 } from 'node:buffer';
import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { escaped } from '../core/text.ts';

/** What a folder has under one name. */
export interface RawEntry {
  /** With lone surrogates for what is not UTF-8. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

const LONE = /[\udc80-\udcff]/u;

/** The entries of a folder, sorted by name. Throws  node's error when it cannot be listed. */
export async function listRawFolder(folder: string): Promise<RawEntry[]> {
  const entries = await readdir(systemPath(folder), { withFileTypes: true, encoding: 'buffer' });
  return entries
    .map((entry) => ({ name: rawName(entry.name), kind: kindOf(entry) }))
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

/** The path without links, its names as in `RawEntry`. Throws  node's error when it leads nowhere. */
export async function rawRealpath(path: string): Promise<string> {
  return rawName(await realpath(systemPath(path), { encoding: 'buffer' }));
}

/** What system calls take for a path of such names. */
export function systemPath(path: string): string | Buffer {
  if (!LONE.test(path)) return path;
  const pieces = path.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    pieces.map((piece) =>
      LONE.test(piece) ? Buffer.of(piece.charCodeAt(0) - 0xdc00) : Buffer.from(piece),
    ),
  );
}

/** Whether a name is text as it stands. */
export function isText(name: string): boolean {
  return !LONE.test(name);
}

/**
 * A name for messages: bytes that are not text as `\xe9`, control characters as `\u000a`, a backslash as two, so that
 * names that differ are shown differently.
 */
export function shownName(name: string): string {
  return name.replace(/[\\\p{Cc}\udc80-\udcff]/gu, (sign) => {
    if (sign === '\\') return '\\\\';
    const byte = sign.charCodeAt(0) - 0xdc00;
    return byte > 0 ? `\\x${byte.toString(16)}` : escaped(sign);
  });
}

/** A name out of its bytes. */
function rawName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    name +=
      length === 0
        ? String.fromCharCode(0xdc00 + (bytes[at] as number))
        : bytes.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return name;
}

/** Bytes of the UTF-8 sequence that begins at a place; 0 where none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length += 1) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}

function kindOf(entry: Dirent<Buffer>): RawEntry['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}
