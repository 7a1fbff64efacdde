/** @file What the death of a worker process is put down to, and what follows. */
import { describe, expect, it } from 'vitest';
import { lastWordsIn } from '../../../launch/last-words.ts';
import { type Failure, whatFollows } from '../../../launch/supervisor.ts';
import {
  causeOfDeath,
  type DeathFacts,
  errorOfLoss,
  rootCause,
  type WorkerDeath,
} from '../../../launch/worker-exit.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { readLastError } from '../../../worker/parent/last-error.ts';

describe('the last words of a process are', () => {
  const stack =
    'file:///a/b.js:3\n  throw x;\n  ^\n\nTypeError: x is not a function\n    at f (b.js:3:9)\n\nNode.js v20.20.2\n';
  it.each([
    ['its error', '{"level":30}\nerror: no engine\n  hint: get one\n', 'no engine'],
    [
      'its error, in colours',
      '\u001b[1m\u001b[31merror:\u001b[39m\u001b[22m no engine\n',
      'no engine',
    ],
    ['its error, before what a runtime says', `${stack}error: mine\n`, 'mine'],
    ['an exception, not the last line of its stack', stack, 'TypeError: x is not a function'],
    [
      "V8's reason, not its stack",
      '<--- Last few GCs --->\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0xb8d0a3 node::OOMErrorHandler [node]\n',
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    ],
    [
      'what C++ has thrown',
      "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
      "terminate called after throwing an instance of 'std::bad_alloc': std::bad_alloc",
    ],
    [
      'an assertion',
      "node: x.c:3: f: Assertion `a' failed.\nmore\n",
      "node: x.c:3: f: Assertion `a' failed.",
    ],
    [
      "V8's fatal error, not its frame",
      '#\n# Fatal process OOM in reserve\n#\n',
      'Fatal process OOM in reserve',
    ],
    ["no stack of Node's own", '----- Native stack trace -----\n\n 1: 0xd3 f [/n]\n1: g:1:9\n', ''],
    ["malloc's complaint", 'free(): invalid pointer\n', 'free(): invalid pointer'],
    [
      'the last record of an error, with its cause',
      '{"level":50,"msg":"old"}\n{"level":60,"msg":"gone","err":{"message":"disk"}}\n{"level":30,"msg":"x"}\n',
      'gone: disk',
    ],
    [
      'its last line, where it is neither record nor aside',
      'oops\n{"level":30}\nnpm notice new\n    at x\n',
      'oops',
    ],
    ['no half line', 'whole\nhal', 'whole'],
    ['harmless to a terminal', 'error: a\u001b]0;b\u0007\n', 'a\\u001b]0;b\\u0007'],
    ['bounded', `error: ${'x'.repeat(1000)}\n`, `${'x'.repeat(300)}…`],
    ['nothing', '{"level":30}\n', ''],
  ])('%s', (_what, log, expected) => expect(lastWordsIn(log)).toBe(expected));
});

describe('what a worker tells is read', () => {
  it('whole, with hint and lines', () => {
    const told = readLastError('{"code":"DATA_INVALID","sentence":"a\\nb","hint":"c"}\nmore');
    expect(told).toMatchObject({ code: 'DATA_INVALID', sentence: 'a\nb', hint: 'c' });
  });

  it.each([
    '',
    '{"code":"DATA_INVALID","sentence":"cut',
    '{"code":"NO_SUCH","sentence":"a"}\n',
    '[]\n',
    'null\n',
    '{"code":"SYSTEM","sentence":1}\n',
    `${'x'.repeat(99)}\n`,
  ])('as nothing: %j', (text) => expect(readLastError(text)).toBeUndefined());
});

const GIB = 1024 ** 3;
const kills = (count: number, isOurs = true) => ({ kills: count, isOurs, limitBytes: 2 * GIB });
const facts = (some: Partial<DeathFacts>): DeathFacts => ({
  code: null,
  signal: null,
  reported: undefined,
  lastWords: '',
  kills: [kills(1), kills(1)],
  ...some,
});

describe('a death is put down to', () => {
  it.each<[string, Partial<DeathFacts>, string | undefined]>([
    [
      'what it told',
      { code: 65, reported: new TesseraError('SYSTEM', 'told'), lastWords: 'said' },
      'told',
    ],
    ['what it said', { code: 70, lastWords: 'said' }, 'said'],
    [
      'memory, where the kernel has counted it',
      { signal: 'SIGKILL', kills: [kills(1), kills(2)], lastWords: 'busy' },
      'killed by the kernel: the memory limit of 2.0 GiB was reached',
    ],
    [
      'memory of the machine, where only that is counted',
      { code: 137, kills: [kills(1, false), kills(2, false)] },
      'killed by the kernel: the machine had no memory left',
    ],
    [
      'another process, where the kernel has counted nothing',
      { signal: 'SIGKILL' },
      'sent by another process, since the kernel has killed none for lack of memory',
    ],
    [
      'nothing, where nothing is counted',
      { signal: 'SIGKILL', kills: [undefined, undefined] },
      undefined,
    ],
    [
      'no memory for a signal of people',
      { signal: 'SIGTERM', kills: [kills(1), kills(2)] },
      undefined,
    ],
    [
      'a heap that is full',
      { signal: 'SIGABRT', lastWords: 'FATAL ERROR: JavaScript heap out of memory' },
      'its JavaScript heap was full: FATAL ERROR: JavaScript heap out of memory',
    ],
    ['a will of its own', { code: 0 }, 'it left during the run'],
  ])('%s', (_what, some, sentence) => {
    expect(causeOfDeath(facts(some))?.sentence).toBe(sentence);
  });
});

describe('after a failure', () => {
  const bad = (worker: string, step = 3, code: Failure['code'] | '' = 'NON_FINITE'): Failure => ({
    worker,
    code: code === '' ? undefined : code,
    step,
  });
  const ALONE = { alive: 0, atWork: 0 };
  it.each<
    [string, readonly Failure[], { alive: number; atWork: number }, ReturnType<typeof whatFollows>]
  >([
    ['the first of its kind is tried again', [bad('w1')], ALONE, 'startAgain'],
    [
      'the same of two workers ends the run',
      [bad('w1'), bad('w2')],
      { alive: 1, atWork: 0 },
      'end',
    ],
    ['the same of the only worker, twice, ends the run', [bad('w1'), bad('w1')], ALONE, 'end'],
    [
      'while others are at work it is theirs alone',
      [bad('w1'), bad('w2')],
      { alive: 1, atWork: 1 },
      'startAgain',
    ],
    [
      'a worker that has it twice is given up',
      [bad('w1'), bad('w1')],
      { alive: 2, atWork: 2 },
      'abandon',
    ],
    [
      'it is given up while others are on their way',
      [bad('w1'), bad('w1')],
      { alive: 2, atWork: 0 },
      'abandon',
    ],
    ['steps between mean that it passes', [bad('w1', 3), bad('w1', 9)], ALONE, 'startAgain'],
    [
      'another error is another failure',
      [bad('w1'), bad('w1', 3, 'DATA_INVALID')],
      ALONE,
      'startAgain',
    ],
    [
      'what passes is tried again',
      [bad('w1', 3, 'SYSTEM'), bad('w2', 3, 'SYSTEM')],
      ALONE,
      'startAgain',
    ],
    ['what told nothing is tried again', [bad('w1', 3, ''), bad('w2', 3, '')], ALONE, 'startAgain'],
  ])('%s', (_what, failures, others, next) => expect(whatFollows(failures, others)).toBe(next));
});

describe('the end of a run without workers', () => {
  const death = (some: Partial<WorkerDeath>): WorkerDeath => ({
    ...{ name: 'w1', pid: 7, how: 'exit code 69', cause: undefined, logPath: 'l/w1.log' },
    ...some,
  });
  const LOST = { restarts: 1, missing: 'no worker is left' };
  const engine = new TesseraError('ENGINE_UNAVAILABLE', 'no such engine');

  it('is the error that all of them told', () => {
    expect(errorOfLoss([death({ cause: engine }), death({ cause: engine })], LOST)).toBe(engine);
  });

  it.each<[string, WorkerDeath, WorkerDeath, string]>([
    [
      'its hint',
      death({ cause: { sentence: 'full', hint: 'use less' } }),
      death({}),
      'use less; read l/w1.log',
    ],
    [
      'engines only where one was the cause',
      death({ cause: engine }),
      death({}),
      'tessera doctor shows which engines work here; read l/w1.log',
    ],
    ['its log alone', death({}), death({ cause: engine }), 'read l/w1.log'],
  ])('names the first failure and %s', (_what, first, second, hint) => {
    const error = errorOfLoss([first, second], LOST);
    expect(error.code).toBe('WORKERS_LOST');
    expect(error.sentence).toContain(
      'no worker is left after 1 restart; first, w1 ended with exit',
    );
    expect(error.hint).toBe(hint);
  });

  it('shows the worker, its end, its words and its log', () => {
    const cause = { sentence: 'x' };
    expect(rootCause(death({ how: 'signal SIGKILL', cause })).join('\n')).toMatchSnapshot();
  });
});
