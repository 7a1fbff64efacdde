/** @file Tokens: secrets that come from a file or from stdin, are known by their hash, and compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { TesseraError } from '../core/errors.ts';
import { reasonOf } from './errno.ts';
import { isOpenToOthers, readSmallFile } from './small-file.ts';

/** Shortest token: 96 bits of base64. */
const TOKEN_LENGTH_MIN = 16;
const TOKEN_LENGTH_MAX = 512;
/** Whoever was to write the token has forgotten it by then. */
const STDIN_MS = 60_000;

/**
 * Reads a token: the first line of a file, or of stdin for `-`. Never from a flag, which every user of a machine can see.
 *
 * Throws  ACCESS_DENIED, naming the file: not there, no file, open to others, or too short to be a secret.
 */
export async function readToken(path: string): Promise<string> {
  const isStdin = path === '-';
  const token = (isStdin ? await firstLineOfStdin() : await firstLineOfFile(path)).trim();
  if (
    /^[\x21-\x7e]+$/.test(token) &&
    token.length >= TOKEN_LENGTH_MIN &&
    token.length <= TOKEN_LENGTH_MAX
  ) {
    return token;
  }
  throw denied(
    `${isStdin ? 'stdin' : path} holds no token of ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} visible characters`,
    'tessera certs token makes one',
  );
}

/** A token that nobody can guess. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** A token that is known by its hash alone, and compared in constant time. */
export class KnownToken {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = hashOf(token);
  }

  /** Whether somebody has shown this token. */
  is(shown: string): boolean {
    return timingSafeEqual(hashOf(shown), this.#hash);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function firstLineOfFile(path: string): Promise<string> {
  const file = await readSmallFile(path).catch((cause: unknown) => {
    const hint = 'tessera certs token makes a token; give - to read it from stdin';
    throw new TesseraError('ACCESS_DENIED', `cannot read ${path}: ${reasonOf(cause)}`, {
      hint,
      cause,
    });
  });
  if (isOpenToOthers(file)) throw denied(`${path} can be read by others`, `chmod 600 ${path}`);
  return firstLine(file.bytes.toString('utf8'));
}

/** Only the first line: whoever gave it may keep the pipe open. */
function firstLineOfStdin(): Promise<string> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (end: () => void) => {
      clearTimeout(timer);
      stdin.pause().off('data', onData).off('end', onEnd).off('error', onEnd);
      end();
    };
    const onEnd = () => settle(() => resolve(firstLine(text)));
    const onData = (piece: Buffer) => {
      text += piece.toString('utf8');
      if (text.includes('\n') || text.length > TOKEN_LENGTH_MAX) onEnd();
    };
    const tooLate = () =>
      denied(`no token came on stdin within ${STDIN_MS / 1000} s`, 'tessera certs token makes one');
    const timer = setTimeout(() => settle(() => reject(tooLate())), STDIN_MS);
    stdin.on('data', onData).once('end', onEnd).once('error', onEnd);
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function denied(sentence: string, hint: string): TesseraError {
  return new TesseraError('ACCESS_DENIED', sentence, { hint });
}
