/** @file `tessera find lr`: a few dozen steps with a rising learning rate, a picture, and a suggestion. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTraining } from '../../launch/train.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { panels } from '../../tools/pictures/charts.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import {
  type FoundRate,
  findRate,
  isLost,
  type RatedLoss,
} from '../../tools/recipe/learning-rate.ts';
import { configLoader } from '../folder/load.ts';
import { withInputs } from '../inputs/inputs.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';

/** Flags of `find lr`. */
export interface FindRateOptions {
  readonly config: string;
  readonly out?: string;
  readonly set?: string[];
  readonly yes?: true;
  readonly json?: true;
}

/** Steps from the smallest to the largest rate. */
const STEPS = 60;
/** The largest rate that is tried, over the usual ones of the optimizers. */
const PEAKS = { adamw: 1, adam: 1, sgd: 10 } as const;

/** Finds and draws. Throws  as a run does; CANNOT_WRITE. */
export async function findLearningRate(options: FindRateOptions): Promise<void> {
  const { out = 'learning-rate.png', json } = options;
  const shutdown = watchShutdown({ announce: say });
  try {
    const losses = await lossesOf(options, shutdown.signal);
    const found = findRate(losses);
    await writePicture(out, pictureOf(losses, found));
    if (json) printJson({ schema: 'find-lr/1', ...found, losses, picture: out });
    else print([out]);
    sayFound(found);
  } finally {
    shutdown.dispose();
  }
}

/** Trains with rising rates in a folder that goes away again. */
async function lossesOf(options: FindRateOptions, signal: AbortSignal): Promise<RatedLoss[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-find-'));
  const losses: RatedLoss[] = [];
  try {
    const set = [...(options.set ?? [])];
    const how = { ...options, set, signal, say, isTrial: true } as const;
    const load = await configLoader(options.config, how);
    const loaded = rising(await withInputs(load, options, signal));
    const run = await startTraining(loaded, {
      runFolder: join(folder, 'run'),
      signal,
      log: { level: 'warn', write: (line) => say(readableLogLine(line)) },
    });
    const ended = run.result.catch((error: unknown) => error);
    say(
      pointer(
        'trying',
        `${STEPS} steps with learning rates up to ${PEAKS[loaded.config.training.optimizer.name]}`,
      ),
    );
    for await (const event of run) {
      if (event.type !== 'step') continue;
      losses.push({ learningRate: event.learningRate, loss: event.loss });
      if (losses.length >= STEPS || isLost(losses)) break;
    }
    await run.stop();
    const error = TesseraError.from(await ended);
    signal.throwIfAborted();
    // Rates that are too large end in NaN: that is what is looked for.
    if (losses.length < 2 && error.code !== 'NON_FINITE') throw error;
    return losses;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The config with a rising rate, and nothing besides steps. */
function rising(loaded: LoadedConfig): LoadedConfig {
  const { config } = loaded;
  const { training } = config;
  const schedule = { ...training.schedule, name: 'rising', warmupSteps: STEPS } as const;
  const optimizer = { ...training.optimizer, learningRate: PEAKS[training.optimizer.name] };
  return {
    ...loaded,
    config: {
      ...config,
      // Enough for any data set: the steps end it.
      training: { ...training, schedule, optimizer, epochs: 10 * STEPS, averageDecay: 0 },
      evaluation: { ...config.evaluation, everyEpochs: 0 },
      checkpoint: { ...config.checkpoint, everySteps: 0, everyEpochs: 0 },
    },
  };
}

function pictureOf(losses: readonly RatedLoss[], { smoothed, suggestion }: FoundRate): string {
  const points = (of: readonly RatedLoss[]) =>
    of.map(({ learningRate, loss }) => [learningRate, loss] as const);
  const shown = points(losses.slice(0, smoothed.length));
  const at = smoothed.find(
    ({ learningRate }) => learningRate >= (suggestion ?? Number.POSITIVE_INFINITY),
  );
  return panels([
    {
      ...{ title: 'Loss by learning rate', xLabel: 'learning rate', yLabel: 'loss' },
      ...{ kind: 'line', isLog: true },
      series: [
        { name: 'loss, smoothed', points: points(smoothed), colour: 0 },
        { name: 'loss of each step', points: shown, colour: 0, isFaint: true },
        ...(at === undefined
          ? []
          : [
              {
                name: `suggestion: ${suggestion}`,
                points: points([at]),
                mark: 'diamond',
                colour: 1,
              } as const,
            ]),
      ],
    },
  ]);
}

function sayFound({ suggestion, best }: FoundRate): void {
  if (suggestion === undefined) {
    say('no suggestion: the loss did not fall at any rate; look at the picture, and at the data');
    return;
  }
  say(pointer('suggestion', `--set training.optimizer.learningRate=${suggestion}`));
  say(pointer('too large', `from about ${Number(best.toPrecision(1))} on`));
}
