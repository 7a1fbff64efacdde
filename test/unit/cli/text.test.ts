/** @file What the command line prints: progress, lines, tables, errors. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { leavesOf } from '../../../cli/config/config-view.ts';
import { type Diagnosis, diagnosisJson, diagnosisLines } from '../../../cli/doctor/doctor-view.ts';
import { classLines, confusionLines, lossText } from '../../../cli/eval/eval-view.ts';
import { LineDisplay } from '../../../cli/run/display.ts';
import { eventLine, stepLine } from '../../../cli/run/progress-lines.ts';
import { sparkline, view } from '../../../cli/run/progress-view.ts';
import { resumeCommand, summary, withWayOn } from '../../../cli/run/run-end.ts';
import { statusLines } from '../../../cli/status/status-view.ts';
import {
  parseCount,
  parseDurationMs,
  parseWorkerCount,
} from '../../../cli/terminal/flag-values.ts';
import { BottomWindow } from '../../../cli/terminal/live-region.ts';
import { readableLogLine } from '../../../cli/terminal/log-lines.ts';
import { describeError, jsonText } from '../../../cli/terminal/output.ts';
import { formatAge, formatTable } from '../../../cli/terminal/table.ts';
import { engineOf } from '../../../shared/compute/engines/registry.ts';
import { type ErrorCode, TesseraError } from '../../../shared/core/errors.ts';
import { displayWidth } from '../../../shared/core/text.ts';
import { formatNumber, formatPercent } from '../../../shared/core/units.ts';
import { readWholeFile } from '../../../shared/files/files.ts';
import { Confusion } from '../../../tools/inference/confusion.ts';
import { bestGuesses, softmax } from '../../../tools/inference/top-classes.ts';
import { STATUS } from '../../support/commands.ts';

const STEP = {
  type: 'step',
  step: 20,
  epoch: 1,
  loss: 1.8342,
  accuracy: 0.412,
  learningRate: 0.00098,
  gradientNorm: 0.73,
  imagesPerSecond: 812.4,
  timings: {
    wallMs: 0,
    pullMs: 0,
    fetchMs: 0,
    computeMs: 0,
    pushMs: 0,
    idleMs: 0,
    sumMs: 0,
    optimizerMs: 0,
    coordinatorBusyMs: 0,
  },
} as const;

describe('the progress view', () => {
  const losses = Array.from({ length: 200 }, (_, step) => 2.3 * 0.99 ** step);

  it.each([40, 80, 120])('at width %i', (width) => {
    const lines = view({ status: STATUS, losses }, width);
    expect(lines.every((line) => line.length <= width)).toBe(true);
    expect(lines.join('\n')).toMatchSnapshot();
  });

  it('shows dashes for what is not known yet', () => {
    const unknown = {
      ...STATUS,
      step: 0,
      stepsTotal: 0,
      loss: Number.NaN,
      trainAccuracy: Number.NaN,
      testAccuracy: Number.NaN,
      imagesPerSecond: Number.NaN,
      etaSeconds: Number.NaN,
      workers: [],
    };
    const text = view({ status: unknown, losses: [] }, 80).join('\n');
    expect(text).toMatchSnapshot();
    expect(text).not.toMatch(/NaN|Infinity/);
  });

  it.each([
    ['rises', [1, 2, 3, 4], 4, '▁▃▆█'],
    ['is flat', [2, 2, 2], 8, '▁▁▁'],
    ['is longer than the room', [1, 1, 2, 2], 2, '▁█'],
    ['has holes', [1, Number.NaN, 2], 4, '▁█'],
    ['is empty', [], 4, ''],
  ])('a sparkline that %s', (_what, values, width, expected) => {
    expect(sparkline(values, width)).toBe(expected);
  });
});

it('a loss without the label smoothing that the run counts says so', () => {
  expect(lossText(0.27781, 0)).toBe('0.2778');
  expect(lossText(0.27781, 0.1)).toBe('0.2778 (without label smoothing, which the run counts too)');
});

describe('names of classes', () => {
  const classes = ['hot dog', 'a  b', '-x', '寿司', 'e\u0301clair', 'n'.repeat(70)];

  it('are what they are in every table, and columns stand below each other', () => {
    const confusion = new Confusion(classes.length);
    confusion.add(
      0,
      Float64Array.from(classes, (_, at) => (at === 3 ? 1 : 0)),
      1,
    );
    for (const lines of [classLines(confusion, classes), confusionLines(confusion, classes)]) {
      for (const name of classes) expect(lines.join('\n')).toContain(name);
      expect(new Set(lines.map(displayWidth)).size).toBe(1);
    }
  });

  it.each([
    ['plain', 5],
    ['寿司', 4],
    ['e\u0301clair', 6],
    ['🍕', 2],
    ['', 0],
  ])('%s is %i cells wide', (text, width) => expect(displayWidth(text)).toBe(width));
});

describe('lines', () => {
  it('a step has one order and one width', () => {
    expect(stepLine(STEP, { stepsTotal: 10_000, workers: 4, etaSeconds: 1100 })).toBe(
      'step    20/10000  epoch 1  loss 1.8342  acc  41.2%  lr 9.80e-4  grad 0.73  812 img/s  workers 4  eta 00:18:20',
    );
  });

  it.each([
    [
      { type: 'worker', worker: 'w3', what: 'joined', reason: '', workers: 1 },
      'worker/w3 joined (1 worker)',
    ],
    [
      { type: 'worker', worker: 'w3', what: 'lost', reason: 'stream ended', workers: 0 },
      'worker/w3 lost (0 workers): stream ended',
    ],
    [
      { type: 'worker', worker: 'w3', what: 'left', reason: 'its engine is broken', workers: 0 },
      'worker/w3 left (0 workers): its engine is broken',
    ],
    [
      { type: 'worker', worker: 'w3', what: 'left', reason: '', workers: 1 },
      'worker/w3 left (1 worker)',
    ],
    [{ type: 'worker', worker: 'w3', what: 'ready', reason: '', workers: 1 }, undefined],
    [{ type: 'phase', phase: 'evaluating', reason: '' }, 'evaluating'],
    [{ type: 'phase', phase: 'waiting', reason: 'for 1 worker' }, 'waiting: for 1 worker'],
    [{ type: 'phase', phase: 'saving', reason: '' }, undefined],
    [
      {
        type: 'checkpoint',
        step: 7,
        folder: 'runs/x/checkpoints/step-7',
        bytes: 92_484_403,
        seconds: 0.41,
        parametersSha256: 'a',
      },
      'checkpoint/step-7 written (88.2 MiB, 0.4 s)',
    ],
    [
      {
        type: 'checkpoint',
        step: 7,
        folder: 'runs/x/checkpoints/step-7',
        bytes: 1024,
        seconds: 0,
        parametersSha256: 'a',
        givenUp: 'runs/x/checkpoints/step-5',
      },
      'checkpoint/step-7 written (1.0 KiB, 0.0 s); disk full: deleted checkpoint step-5 to make room',
    ],
    [{ type: 'badSample', name: 'cat/1.jpg', reason: 'empty' }, 'left out: empty (cat/1.jpg)'],
  ] as const)('%j', (event, expected) => {
    expect(eventLine(event)?.text).toBe(expected);
  });

  it('the plain display tells the last step of an epoch, and one step in five seconds', () => {
    let nowMs = 0;
    const lines: string[] = [];
    const display = new LineDisplay(
      () => nowMs,
      (line) => lines.push(line),
    );
    display.attach(() => STATUS);
    display.event({ ...STEP, step: 1 });
    display.event({ ...STEP, step: 2 });
    display.event({ ...STEP, step: 3, epoch: 2 });
    nowMs = 5000;
    display.event({ ...STEP, step: 4, epoch: 2 });
    display.event({ ...STEP, step: 5, epoch: 2 });
    display.event({ type: 'phase', phase: 'evaluating', reason: '' });
    display.event({ type: 'phase', phase: 'training', reason: '' });
    expect(lines.map((line) => stripVTControlCharacters(line).slice(0, 12).trimEnd())).toEqual([
      'step  2/40',
      'step  4/40',
      'step  5/40',
      '● evaluating',
    ]);
  });

  it('only the first unreadable images are named', () => {
    const lines: string[] = [];
    const display = new LineDisplay(
      () => 0,
      (line) => lines.push(line),
    );
    for (let at = 0; at < 50; at += 1) {
      display.event({ type: 'badSample', name: `${at}.jpg`, reason: 'empty' });
    }
    expect(lines).toHaveLength(11);
    expect(lines[10]).toMatch(/more images cannot be read/);
  });

  it.each([
    [
      '{"level":40,"time":1,"pid":2,"msg":"late","waitMs":3,"worker":"w1"}',
      '⚠ late  waitMs=3 worker=w1',
    ],
    ['{"level":30,"msg":"ready"}', '· ready'],
    ['{"level":50,"msg":"no","err":{"message":"bad","stack":"s"}}', '✖ no  err=bad'],
    ['no json\n', 'no json'],
  ])('a log record is read as words: %s', (line, expected) => {
    expect(stripVTControlCharacters(readableLogLine(line))).toBe(expected);
  });
});

describe('tables', () => {
  it('have aligned columns, two spaces apart, and no empty cells', () => {
    const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' }, { title: 'X' }] as const;
    expect(
      formatTable(columns, [
        ['a', '1', ''],
        ['bcdef', '200'],
      ]),
    ).toEqual(['NAME     N  X', 'a        1  <none>', 'bcdef  200  <none>']);
  });

  it('a status is a block and a table', () => {
    expect(statusLines(STATUS).join('\n')).toMatchSnapshot();
    expect(statusLines({ ...STATUS, workers: [] }).at(-1)).toBe('no workers');
    const devices = { deviceKind: 'NVIDIA H200', deviceCount: 8, deviceBytesPeak: 40 * 2 ** 30 };
    const [first, ...others] = STATUS.workers;
    const workers = [{ ...first!, ...devices, deviceBytes: 12 * 2 ** 30 }, ...others];
    expect(
      statusLines({ ...STATUS, workers })
        .slice(-3)
        .join('\n'),
    ).toMatchSnapshot();
  });

  it.each([
    [9.9, '9s'],
    [250, '4m10s'],
    [7500, '2h5m'],
    [-1, '0s'],
  ])('an age of %f s is %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));

  it('a number that is not there is a dash', () => {
    expect([formatNumber(Number.NaN, 1), formatPercent(Number.NaN)]).toEqual(['-', '-']);
    expect([formatNumber(1.25, 1), formatPercent(0.412)]).toEqual(['1.3', '41.2%']);
  });
});

describe('the end of a run', () => {
  const result = {
    steps: 40,
    epochs: 2,
    testAccuracy: 0.972,
    testLoss: 0.0912,
    parametersSha256: 'abc',
    seconds: 75,
    imagesPerSecond: 812.4,
    workers: 2,
    engine: 'onnxruntime-cpu',
    runFolder: 'runs/x',
    badSamples: 3,
    emptySteps: 0,
    ...({
      testedStep: 40,
      isTestedOnce: false,
      chosenOn: 'test',
      bestStep: 36,
      bestAccuracy: 0.975,
      bestLoss: 0.08,
    } as const),
  };

  it('is summed up, unreadable images only where there were some', () => {
    expect(stripVTControlCharacters(summary(result).join('\n'))).toMatchSnapshot();
    expect(summary({ ...result, badSamples: 0 }).join()).not.toMatch(/unreadable|empty/);
    expect(summary({ ...result, steps: 9, emptySteps: 2 }).join('\n')).toContain(
      'empty steps    2 of 9 had no image that can be read',
    );
  });

  it('names the command that goes on: the folder, and who may come in, as a shell takes them', () => {
    const goOn = (command: 'train' | 'coordinator', runFolder: string, flags = {}) =>
      resumeCommand(command, flags, { runFolder });
    expect(goOn('train', 'runs/x')).toMatch(/ train --resume runs\/x$/);
    expect(goOn('train', 'my runs/x')).toMatch(/ train --resume 'my runs\/x'$/);
    expect(goOn('train', '-x')).toMatch(/ train --resume \.\/-x$/);
    expect(goOn('train', 'x', { tokenFile: '/dev/fd/63' })).toMatch(/ --token-file FILE$/);
    const flags = { certs: 'certs/coordinator', tokenFile: '-', insecure: true as const };
    expect(goOn('coordinator', 'runs/x', flags)).toMatch(
      / coordinator --resume runs\/x --certs certs\/coordinator --token-file - --insecure$/,
    );
  });

  it('of a run that can go on says how', () => {
    const hintOf = (code: ErrorCode, hint?: string) =>
      withWayOn(
        new TesseraError(code, 'it ended', hint === undefined ? {} : { hint }),
        'resume with: CMD',
      ).hint;
    expect(hintOf('CANCELLED')).toBe('resume with: CMD');
    expect(hintOf('CANNOT_WRITE', 'free some space')).toBe(
      'free some space, then resume with: CMD',
    );
    expect(hintOf('WORKERS_LOST', 'read it')).toBe('read it, then resume with: CMD');
    expect(hintOf('NON_FINITE', 'lower it')).toBe('lower it');
  });
});

describe('errors', () => {
  const error = new TesseraError('DATA_INVALID', 'cat/1.jpg is empty', { hint: 'remove it' });

  it('are a sentence and a hint', () => {
    expect(stripVTControlCharacters(describeError(error, { stack: false }))).toBe(
      'error: cat/1.jpg is empty\n  hint: remove it\n',
    );
  });

  it('show the stack only when asked', () => {
    expect(describeError(error, { stack: true })).toMatch(/text\.test\.ts/);
  });

  it('a bug says that it is one', () => {
    expect(describeError(TesseraError.from(new Error('oops')), { stack: false })).toMatch(/a bug/);
  });

  it('command no terminal by the names of strangers, in lines and in tables', () => {
    const name = 'a\u001b]52;c;eA==\u0007\n\u009b31mb';
    const said = describeError(new TesseraError('DATA_INVALID', `no ${name}`), { stack: false });
    expect(said).toContain('no a\\u001b]52;c;eA==\\u0007\\u000a\\u009b31mb\n');
    const [, row] = formatTable([{ title: 'CLASS' }], [[name]]);
    expect(row).toBe('a\\u001b]52;c;eA==\\u0007\\u000a\\u009b31mb');
  });

  it('have the lines that we give them, and no name makes one of its own', async () => {
    const name = 'a\nerror: all is lost';
    const fit = new TesseraError('DATA_INVALID', `${name} does not fit:`, { lines: ['x', name] });
    expect(describeError(fit, { stack: false })).toBe(
      'error: a\\u000aerror: all is lost does not fit:\nx\na\\u000aerror: all is lost\n',
    );
    const unread = await readWholeFile(`/nowhere/${name}.jpg`).catch(TesseraError.from);
    expect(describeError(unread as TesseraError, { stack: true })).not.toMatch(/^error: all/m);
    expect(readableLogLine(JSON.stringify({ level: 40, msg: 'unreadable', name }))).toMatch(/^.*$/);
  });

  it('JSON commands no terminal either, and stays the same JSON', () => {
    const document = { name: 'a\n\u009b31m\u007f\u001b[2J' };
    const text = jsonText(document);
    expect(text).not.toMatch(/\p{Cc}/u);
    expect(JSON.parse(text)).toEqual(document);
  });

  it('a machine at its limits is no bug', () => {
    const full = Object.assign(new Error('EMFILE: too many open files, uv_pipe'), {
      code: 'EMFILE',
      syscall: 'uv_pipe',
    });
    const said = describeError(TesseraError.from(full), { stack: false });
    expect(said).toMatch(/ulimit -n/);
    expect(said).not.toMatch(/a bug/);
  });
});

describe('values', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['30', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['1d', undefined],
  ])('the duration %s', (text, expected) => expect(parseDurationMs(text)).toBe(expected));

  it.each([
    ['auto', 'auto'],
    ['12', 12],
    ['0', undefined],
    ['1.5', undefined],
    ['', undefined],
    ['two', undefined],
  ])('the count "%s"', (text, expected) => expect(parseCount(text)).toBe(expected));

  it.each([
    ['4', 4],
    ['auto', 'auto'],
    ['2:8', { min: 2, max: 8 }],
    ['3:3', { min: 3, max: 3 }],
    ['8:2', undefined],
    ['2:', undefined],
    ['auto:8', undefined],
    ['1:2:3', undefined],
  ])('the workers "%s"', (text, expected) => expect(parseWorkerCount(text)).toEqual(expected));

  it('a config is walked by dotted paths; lists are values', () => {
    expect(leavesOf({ a: 1, b: { c: [2], d: { e: 'x' } } })).toEqual([
      ['a', 1],
      ['b.c', [2]],
      ['b.d.e', 'x'],
    ]);
  });
});

describe('predictions', () => {
  it('probabilities add up to one, whatever the size of the logits', () => {
    const sum = softmax(Float32Array.of(1000, 999, -1000)).reduce((a, b) => a + b, 0);
    expect(sum).toBeCloseTo(1, 12);
  });

  it('the likeliest classes come first', () => {
    const guesses = bestGuesses(Float32Array.of(0, 2, 1), ['cat', 'dog', 'cow'], 2);
    expect(guesses.map((guess) => guess.class)).toEqual(['dog', 'cow']);
  });
});

const DIAGNOSIS: Diagnosis = {
  tessera: '0.1.0',
  node: 'v20.20.2',
  npm: '11.0.0',
  platform: 'linux x64 6.1',
  cores: 2,
  memoryBytes: 8 * 1024 ** 3,
  freeMemoryBytes: 1024 ** 3,
  gpus: [],
  engines: [
    {
      choice: { id: 'tfjs-node-gpu', threads: 1 },
      works: false,
      reason: 'its library is not there',
      hint: engineOf('tfjs-node-gpu').hint,
    },
    {
      choice: { id: 'onnxruntime-cpu', threads: 2 },
      works: true,
      reason: '',
      hint: undefined,
      devices: { kind: 'NVIDIA H200', count: 8, bytesInUse: 2 ** 29, bytesPeak: 2 ** 30 },
    },
  ],
};

describe('the doctor', () => {
  it('says what to type for an engine that is missing', () => {
    expect(diagnosisLines(DIAGNOSIS).join('\n')).toMatchSnapshot();
  });

  it('names engines in JSON as a config does', () => {
    const { schema, engines } = diagnosisJson(DIAGNOSIS);
    expect(schema).toBe('doctor/1');
    expect(engines.map(({ choice }) => choice)).toEqual([
      { name: 'tfjs-node-gpu', provider: 'cpu', threads: 1 },
      { name: 'onnxruntime', provider: 'cpu', threads: 2 },
    ]);
  });
});

describe('the window', () => {
  it('is erased before it is painted anew, and gives the cursor back', () => {
    let written = '';
    const terminal = { columns: 20, write: (text: string) => (written += text) };
    const window = new BottomWindow(terminal, (width) => ['one', `width ${width}`]);
    window.print('stays');
    window.close();
    window.print('after');
    expect(written.replaceAll('\x1b', 'ESC')).toMatchSnapshot();
  });
});
