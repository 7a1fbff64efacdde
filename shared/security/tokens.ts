/** @file Tokens: secrets that come from a file, a pipe or stdin, are known by their hash, and compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { withDeadline } from '../core/async.ts';
import { systemClock } from '../core/clock.ts';
import { TesseraError } from '../core/errors.ts';
import { whyNot } from '../files/why-not.ts';
import { readSmallFile } from './credentials.ts';

/** Shortest token: 96 bits of base64. */
const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 512;
/** The program that writes a token into a pipe may have to prompt its user first. */
const WAIT_MS = 60_000;

/**
 * Reads a token: the first line of a file or a pipe, or of stdin for `-`. Never from a flag, which every user of a machine
 * can see.
 *
 * Throws  ACCESS_DENIED, naming the file: not there, open to others, or too short to be a secret; TIMEOUT when a pipe says
 *         nothing.
 */
export async function readToken(path: string, waitMs = WAIT_MS): Promise<string> {
  const token = (await firstLineOf(path, waitMs)).trim();
  if (
    /^[\x21-\x7e]+$/.test(token) &&
    token.length >= TOKEN_LENGTH_MIN &&
    token.length <= TOKEN_LENGTH_MAX
  ) {
    return token;
  }
  throw denied(
    `${nameOf(path)} holds no token of ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} visible characters`,
    'give the file with the token that both sides share: (umask 077; tessera certs token > FILE) makes one',
  );
}

/** An unguessable token. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Tokens, of which any will do, that are known by their hashes alone, and compared in constant time. */
export class KnownToken {
  /** What another thread knows them by, too. */
  readonly hashes: readonly Uint8Array[];

  /** Each as it is, or as its hash. */
  constructor(...tokens: readonly (string | Uint8Array)[]) {
    this.hashes = tokens.map((token) => (typeof token === 'string' ? hashOf(token) : token));
  }

  /** Whether a caller has sent one of them. */
  is(shown: string): boolean {
    const hash = hashOf(shown);
    // All are compared, whichever is right.
    return this.hashes.filter((known) => timingSafeEqual(hash, known)).length > 0;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** From a file, a pipe such as `<(pass show tessera)`, or stdin. */
async function firstLineOf(path: string, waitMs: number): Promise<string> {
  const writes = (stream: Readable) =>
    withDeadline(systemClock, firstLineIn(stream), waitMs, `a token from ${nameOf(path)}`);
  if (isStdin(path)) return await writes(process.stdin);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFIFO()) return await firstLineOfFile(path);
  // Opened without waiting for a writer, and read so that the wait can be cancelled.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  try {
    return await writes(pipe);
  } finally {
    pipe.destroy();
  }
}

async function firstLineOfFile(path: string): Promise<string> {
  const { bytes, isOpenToOthers } = await readSmallFile(path).catch((cause: unknown) => {
    const hint =
      'give the file with the token that both sides share, or - to read it from stdin; (umask 077; tessera certs token > FILE) makes one';
    throw new TesseraError('ACCESS_DENIED', `cannot read ${path}: ${whyNot(path, cause)}`, {
      hint,
      cause,
    });
  });
  if (isOpenToOthers) throw denied(`${path} can be read by others`, `chmod 600 ${path}`);
  return lineIn(bytes.toString('latin1'));
}

/** Only the first line, and not much more of it than a bound: the writer may keep the stream open. */
export function firstLineIn(stream: Readable, charsMax = 2 * TOKEN_LENGTH_MAX): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const finish = () => {
      stream.off('data', take).off('end', finish).off('error', finish);
      stream.pause();
      resolve(lineIn(text));
    };
    const take = (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.includes('\n') || text.length > charsMax) finish();
    };
    stream.on('data', take).once('end', finish).once('error', finish).resume();
    if (stream.readableEnded) finish();
  });
}

function lineIn(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function isStdin(path: string): boolean {
  return path === '-' || path === '/dev/stdin';
}

function nameOf(path: string): string {
  return isStdin(path) ? 'stdin' : path;
}

function denied(sentence: string, hint: string): TesseraError {
  return new TesseraError('ACCESS_DENIED', sentence, { hint });
}
