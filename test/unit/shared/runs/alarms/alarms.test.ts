/** @file Each alarm on both sides of its threshold: it begins once, ends once, and what is healthy raises none. */
import { describe, expect, it } from 'vitest';
import type { AlarmInput } from '../../../../../shared/runs/alarms/alarm.ts';
import { Alarms } from '../../../../../shared/runs/alarms/alarms.ts';
import { noise, raisedBy, step } from '../../../../support/alarm-curves.ts';

const FACTS = { numClasses: 10, totalSteps: 2000, stepsPerEpoch: 100, keptCheckpoints: 3 };
const MINUTE = 60_000;

/** The names and states of the alarms of some inputs, a second apart. */
const alarmsOf = (inputs: readonly AlarmInput[], facts = FACTS) => raisedBy(inputs, facts, 1000);

/** Steps with the losses and norms of a function. */
function steps(count: number, of: (at: number) => Parameters<typeof step>[1], first = 1) {
  return Array.from({ length: count }, (_, at) => step(first + at, of(first + at)));
}

const evaluation = (version: number, loss: number, accuracy: number): AlarmInput => ({
  ...{ type: 'evaluation', split: 'validation', version, atStep: version, epoch: 1 },
  ...{ loss, accuracy },
});

describe('notFinite', () => {
  it('begins with the first loss that is not finite, and ends after 100 finite ones', () => {
    const sick = [
      step(1, {}),
      step(2, { loss: Number.POSITIVE_INFINITY }),
      step(3, { loss: Number.NaN }),
    ];
    const well = steps(100, () => ({}), 4);
    expect(alarmsOf([...sick, ...well.slice(0, 99)])).toEqual(['notFinite raised']);
    expect(alarmsOf([...sick, ...well])).toEqual(['notFinite raised', 'notFinite over']);
  });

  it('is of evaluations too, and not of a step without a readable image', () => {
    const { NaN: none } = Number;
    expect(alarmsOf([evaluation(1, none, 0.1)])).toEqual(['notFinite raised']);
    expect(alarmsOf([step(1, { loss: none, accuracy: none })])).toEqual([]);
  });
});

describe('lossHigh', () => {
  const usual = steps(100, (at) => ({ loss: 1 + 0.1 * noise(at) }));
  const later = (loss: number, count = 20) => steps(count, () => ({ loss }), 101);

  it('begins when the mean of ten steps is 0.25 ln(classes) and half of the trend above it', () => {
    expect(alarmsOf([...usual, ...later(1.5)])).toEqual([]);
    expect(alarmsOf([...usual, ...later(1.7)])).toEqual(['lossHigh raised']);
  });

  it('is over when the loss is near the trend again', () => {
    const back = steps(20, () => ({ loss: 1 }), 121);
    expect(alarmsOf([...usual, ...later(3), ...back])).toEqual([
      'lossHigh raised',
      'lossHigh over',
    ]);
  });

  it('needs more where losses scatter more, and is not of one outlier', () => {
    const wild = steps(100, (at) => ({ loss: 1 + noise(at) }));
    expect(alarmsOf([...wild, ...later(1.9)])).toEqual([]);
    expect(alarmsOf([...usual, ...later(5, 1), ...steps(20, () => ({ loss: 1 }), 102)])).toEqual(
      [],
    );
  });
});

describe('gradientHigh', () => {
  const usual = steps(100, () => ({ gradientNorm: 0.5 }));
  const later = (gradientNorm: number) => steps(20, () => ({ gradientNorm }), 101);

  it('begins at ten times the trend, and is over at three times', () => {
    expect(alarmsOf([...usual, ...later(4.9)])).toEqual([]);
    const back = steps(20, () => ({ gradientNorm: 1.4 }), 121);
    expect(alarmsOf([...usual, ...later(5.1)])).toEqual(['gradientHigh raised']);
    expect(alarmsOf([...usual, ...later(5.1), ...back]).at(-1)).toBe('gradientHigh over');
  });

  it('is not of norms below 1, nor of norms that the run began with', () => {
    const small = steps(100, () => ({ gradientNorm: 0.001 }));
    expect(alarmsOf([...small, ...later(0.9)])).toEqual([]);
    const large = steps(120, () => ({ gradientNorm: 8 }));
    const learned = steps(300, () => ({ gradientNorm: 0.5 }), 121);
    const risen = steps(20, () => ({ gradientNorm: 12 }), 421);
    expect(alarmsOf([...large, ...learned, ...risen])).toEqual([]);
  });
});

describe('learningStalled', () => {
  const guessing = (at: number) => ({ loss: 2.3 + 0.01 * noise(at), learningRate: 1e-3 });

  it('begins when a model guesses for 300 steps, and is over when it learns', () => {
    expect(alarmsOf(steps(300, guessing))).toEqual([]);
    expect(alarmsOf(steps(301, guessing))).toEqual(['learningStalled raised']);
    const learns = steps(100, () => ({ loss: 1.5, learningRate: 1e-3 }), 302);
    expect(alarmsOf([...steps(301, guessing), ...learns]).at(-1)).toBe('learningStalled over');
  });

  it('waits for the warm-up', () => {
    const warm = steps(400, (at) => ({ loss: 2.3, learningRate: at / 400 }));
    expect(alarmsOf([...warm, ...steps(299, guessing, 401)])).toEqual([]);
  });

  it('begins when a high loss does not fall for 500 steps', () => {
    const stays =
      (loss: number, learningRate = 1e-3) =>
      (at: number) =>
        at < 100 ? { loss: loss + (100 - at) / 100, learningRate: 1e-3 } : { loss, learningRate };
    expect(alarmsOf(steps(1000, stays(1.5)))).toEqual(['learningStalled raised']);
    expect(alarmsOf(steps(1000, stays(1.1)))).toEqual([]);
    expect(alarmsOf(steps(1000, stays(1.5, 9e-5)))).toEqual([]);
    const slow = (at: number) => ({ loss: 2 * 0.9998 ** at, learningRate: 1e-3 });
    expect(alarmsOf(steps(1000, slow))).toEqual([]);
  });
});

describe('overfitting', () => {
  const falling = (first: number) => steps(100, (at) => ({ loss: 1 - at / 1000 }), first);
  const run = (losses: readonly number[], accuracies: readonly number[]) =>
    losses.flatMap((loss, at) => [
      ...falling(1 + 100 * at),
      evaluation(100 * (at + 1), loss, accuracies[at] ?? 0.8),
    ]);

  it('begins three evaluations after the best loss, if that is 25 % higher and the accuracy no better', () => {
    expect(alarmsOf(run([1, 1.1, 1.3], []))).toEqual([]);
    expect(alarmsOf(run([1, 1.1, 1.2, 1.3], []))).toEqual(['overfitting raised']);
    expect(alarmsOf(run([1, 1.1, 1.2, 1.24], []))).toEqual([]);
    expect(alarmsOf(run([1, 1.1, 1.2, 1.3], [0.7, 0.75, 0.77, 0.8]))).toEqual([]);
  });

  it('is over when the loss is near its best, or the accuracy better than ever', () => {
    expect(alarmsOf(run([1, 1.1, 1.2, 1.3, 1.1], [])).at(-1)).toBe('overfitting over');
    const better = run([1, 1.1, 1.2, 1.3, 1.4], [0.8, 0.8, 0.8, 0.8, 0.81]);
    expect(alarmsOf(better).at(-1)).toBe('overfitting over');
  });
});

describe('diskFull', () => {
  const MB = 10 ** 6;
  const saved = (at: number): AlarmInput => ({
    ...{ type: 'checkpoint', step: at, folder: `step-${at}`, bytes: 100 * MB, seconds: 1 },
    parametersSha256: '',
  });
  const room = (freeMegabytes: number, checkpoints: number): AlarmInput => {
    return { type: 'room', freeBytes: freeMegabytes * MB, checkpoints };
  };
  const first = [step(100, {}), saved(100), step(200, {}), saved(200)];

  it('begins where checkpoints to come have no room, and is over once there is a fifth more', () => {
    // Three newest, the best and the next are five; two are there.
    expect(alarmsOf([...first, room(301, 2)])).toEqual([]);
    expect(alarmsOf([...first, room(299, 2)])).toEqual(['diskFull raised']);
    const short = [...first, room(299, 2), room(350, 2)];
    expect(alarmsOf(short)).toEqual(['diskFull raised']);
    expect(alarmsOf([...short, room(361, 2)])).toEqual(['diskFull raised', 'diskFull over']);
  });

  it('needs room for one more where as many as are kept are there', () => {
    expect(alarmsOf([...first, room(101, 4)])).toEqual([]);
    expect(alarmsOf([...first, room(99, 4)])).toEqual(['diskFull raised']);
  });

  it('counts what else fills the disk, once that is known for ten minutes', () => {
    const looks = (megabytesAMinute: number) =>
      Array.from({ length: 12 }, (_, at): AlarmInput[] => [
        step(201 + at, {}),
        room(10_000 - megabytesAMinute * at, 4),
      ]).flat();
    const slowly = (inputs: readonly AlarmInput[]) => raisedBy(inputs, FACTS, MINUTE / 2);
    // 1,800 steps are left at one a minute.
    expect(slowly([...first, ...looks(5)])).toEqual([]);
    expect(slowly([...first, ...looks(6)])).toEqual(['diskFull raised']);
  });
});

it('an alarm that comes and goes is said again after ten minutes, twenty, forty: it never floods', () => {
  const alarms = new Alarms({ ...FACTS, totalSteps: 1e6 });
  const said: string[] = [];
  for (let at = 1; at <= 24_000; at += 1) {
    const isSick = at % 300 >= 280;
    const all = alarms.take(step(at, { loss: isSick ? 9 : 1 }), at * 1000);
    said.push(...all.map(({ name, state }) => `${name} ${state}`));
  }
  expect(said.slice(0, 2)).toEqual(['lossHigh raised', 'lossHigh over']);
  const begun = said.filter((one) => one === 'lossHigh raised').length;
  expect(begun).toBeGreaterThanOrEqual(3);
  expect(begun).toBeLessThanOrEqual(7);
  expect(said.every((one, at) => one.endsWith(at % 2 === 0 ? 'raised' : 'over'))).toBe(true);
});

it('those that stand are a list, each with its name', () => {
  const alarms = new Alarms(FACTS);
  expect(alarms.raised).toEqual([]);
  alarms.take(step(7, { loss: Number.NaN }), 0);
  expect(alarms.raised).toEqual(['notFinite: the training loss of step 7 is not finite: NaN']);
});
