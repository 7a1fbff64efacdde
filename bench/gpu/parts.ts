/** @file What is measured on a card, in the order of its value, and how long each part may take. */
import { type ModelConfig, parseVariant } from '../../shared/model/variants.ts';

/** A leaf of ours beside PyTorch's. */
export interface Duel {
  readonly what: 'duel';
  readonly model: ModelConfig;
  readonly microBatch: number;
  /** Alone, and compiled without the flags that keep bits the same from run to run: what they cost. */
  readonly isFree: boolean;
}

/** Whole runs of `tessera train`, which must end with the same bits. */
export interface Runs {
  readonly what: 'runs';
  /** Of the quickstart, whose digits are scaled up. */
  readonly settings: readonly string[];
  /** Whether it is repeated: killed and resumed, and with two workers on the card. */
  readonly again: boolean;
}

/** `tessera engines test`, or the facts of the machine. */
interface Facts {
  readonly what: 'machine' | 'engine';
}

/** A part of the experiment. */
export type Part = (Duel | Runs | Facts) & {
  readonly name: string;
  /** It is stopped after this. */
  readonly limitSeconds: number;
  /** It is not begun with less left. */
  readonly leastSeconds: number;
};

/** Small enough for the CPU's plugin, with the same parts. */
const TINY = { imageSize: 32, patchSize: 8, width: 64, depth: 2, heads: 2, mlpWidth: 128 };
/** Digits as images of a recipe's size; half a dozen steps an epoch. */
const LARGE_RUN = [
  ...['data.channels=3', 'data.augment.shift=0', 'data.validation=none'],
  ...['model.imageSize=224', 'model.patchSize=null', 'model.width=null', 'model.depth=null'],
  ...['model.heads=null', 'model.mlpWidth=null', 'model.variant=B/16'],
  ...['training.batchSize=512', 'training.microBatch=128', 'training.epochs=1'],
  ...['training.optimizer.learningRate=0.0001', 'training.schedule.warmupSteps=0'],
  ...['data.testFraction=0.6', 'evaluation.everyEpochs=0', 'checkpoint.everySteps=3'],
];
const SMALL_RUN = ['training.epochs=4', 'evaluation.everyEpochs=0', 'checkpoint.everySteps=60'];
const TINY_RUN = [
  'training.schedule.warmupSteps=5',
  ...['data.testFraction=0.9', 'data.validation=none', 'training.epochs=2', 'model.width=32'],
  ...['model.depth=2', 'model.heads=2', 'evaluation.everyEpochs=0', 'checkpoint.everySteps=4'],
];

/** The parts, most valuable first; tiny ones are for trying on a CPU, however busy. */
export function partsOf(isTiny: boolean): Part[] {
  const limit = (limitSeconds: number, leastSeconds: number) =>
    isTiny ? { limitSeconds: 600, leastSeconds: 5 } : { limitSeconds, leastSeconds };
  const duel = (variant: 'Ti/16' | 'S/16' | 'B/16', microBatch: number, isFree = false): Part => ({
    name: `${variant} x ${microBatch}${isFree ? ' free' : ''}`,
    what: 'duel',
    isFree,
    model: {
      ...parseVariant(variant),
      ...{ imageSize: 224, channels: 3, numClasses: 1000 },
      ...(isTiny && { ...TINY, numClasses: 10 }),
    },
    microBatch: isTiny ? 4 : microBatch,
    ...limit(170, 60),
  });
  const runs = (name: string, settings: readonly string[], again: boolean): Part => ({
    ...{ name, what: 'runs', again, settings: isTiny ? TINY_RUN : settings },
    ...limit(110, 40),
  });
  const machine: Part = { name: 'machine', what: 'machine', ...limit(30, 0) };
  const engine: Part = { name: 'engine', what: 'engine', ...limit(90, 10) };
  const first = [machine, engine, duel('B/16', 128), runs('quickstart', SMALL_RUN, true)];
  const second = [duel('Ti/16', 512), duel('S/16', 256), runs('train B/16', LARGE_RUN, true)];
  // Other sizes of a leaf, for the best of each model.
  const third = [
    duel('B/16', 128, true),
    duel('B/16', 256),
    duel('Ti/16', 1024),
    duel('S/16', 512),
  ];
  return [...first, ...second, ...third];
}
