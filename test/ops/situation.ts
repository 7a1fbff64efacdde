/** @file What a situation of operation is, and what must hold in all of them: no hang, no silence, no bug, nothing lost. */
import { expect } from 'vitest';
import type { Ended, WatchedProcess } from '../support/cluster.ts';
import type { Stage } from './stage.ts';

/** The kinds of `docs/reliability.md`, "How it is proved". */
export const KINDS = {
  1: 'a permanent error ends the run',
  2: 'the cause arrives',
  3: 'the present is believed',
  4: 'identity is unique',
  5: 'items stand alone',
  6: 'hints belong to causes',
  7: 'signals and streams',
  8: 'our own housekeeping',
  9: 'garbage and the environment',
} as const;

/** One bad day of an operator: how it comes about, and what must come of it. */
export interface Situation {
  readonly kind: keyof typeof KINDS;
  /** In plain words; unique. */
  readonly title: string;
  /** How the judged process ends. */
  readonly code: number;
  /** What its output must say: the cause, and what to do. */
  readonly says: readonly RegExp[];
  /** What its output must not say, beside what none may. */
  readonly never?: readonly RegExp[];
  /** Later than this it is a hang. */
  readonly withinS?: number;
  /** Cheap enough for every `npm test`. */
  readonly isShort?: true;
  /** Why it cannot be brought about on this machine; undefined where it can. */
  readonly lacks?: () => string | undefined;
  /** Brings it about and answers the process that is judged, which has ended or is about to. */
  play(stage: Stage): Promise<WatchedProcess>;
}

/** A permanent error ends its run within this, with its own code. */
export const PERMANENT_BAR_MS = 10_000;

/** What no output may hold, whatever happens. */
const NEVER: readonly RegExp[] = [
  /bug of Tessera/i,
  /\[INTERNAL\]|invariant broken/,
  // A line of a stack, and the words of Node when it dies itself.
  /^ +at .+:\d+:\d+\)?$/m,
  /^Node\.js v\d/m,
  /UnhandledPromiseRejection|\[object Object\]|\bundefined\b/,
];

/** Judges how a process ended. Throws  an Error that names what came and what should have. */
export function judge({ code, says, never = [] }: Situation, ended: Ended): void {
  const said = ended.stdout + ended.stderr;
  const all = `exit ${ended.code ?? ended.signal}\n${said.slice(-6000)}`;
  expect(ended.code, all).toBe(code);
  expect(said.trim(), 'it says nothing').not.toBe('');
  for (const pattern of says) expect(said, all).toMatch(pattern);
  for (const pattern of [...NEVER, ...never]) expect(said, all).not.toMatch(pattern);
}

/** What a process said that matters, in a line: its error, else what was asked for. */
export function gist({ code, says }: Situation, { stdout, stderr }: Ended): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => line.startsWith('error: '));
  const asked = lines.find((line) => says.some((pattern) => pattern.test(line)));
  return (code === 0 ? asked : (error ?? asked))?.trim() ?? lines.at(-1) ?? '';
}
