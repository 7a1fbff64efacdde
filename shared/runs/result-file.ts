/** @file RUN/result.json: what a run that is done came to, so that starting it again can say the same. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../files/files.ts';
import { readTextFile } from '../files/regular-file.ts';
import { count, figure, type RunResult, split } from './events.ts';
import { RUN_FILES } from './layout.ts';

const SCHEMA = 'result/1';

const resultSchema = z.object({
  schema: z.literal(SCHEMA),
  steps: count,
  epochs: count,
  testAccuracy: figure,
  testLoss: figure,
  testedStep: figure,
  isTestedOnce: z.boolean(),
  chosenOn: split,
  bestStep: figure,
  bestAccuracy: figure,
  bestLoss: figure,
  parametersSha256: z.string(),
  seconds: figure,
  imagesPerSecond: figure,
  workers: count,
  engine: z.string(),
  badSamples: count,
  emptySteps: count,
  spot: z
    .object({
      ...{ lives: count, workersLost: count, secondsLost: z.number() },
      ...{ stepsAgain: count, samplesAgain: count, leavesAgain: count, stepsDiffering: count },
      isOneKind: z.boolean(),
    })
    .optional(),
});

/** Writes what a run came to. Throws  CANNOT_WRITE. */
export async function writeResult({ runFolder, ...result }: RunResult): Promise<void> {
  const text = `${JSON.stringify({ schema: SCHEMA, ...result }, null, 2)}\n`;
  await writeFileAtomically(join(runFolder, RUN_FILES.result), [Buffer.from(text)]);
}

/** Removes the result of a run that is trained again. */
export async function forgetResult(runFolder: string): Promise<void> {
  await rm(join(runFolder, RUN_FILES.result), { force: true });
}

/** What the run of a folder came to; undefined where it is not done, or its folder does not say it. */
export async function readResult(runFolder: string): Promise<RunResult | undefined> {
  try {
    const text = await readTextFile(join(runFolder, RUN_FILES.result));
    const { schema: _, ...result } = resultSchema.parse(JSON.parse(text));
    return { ...result, runFolder };
  } catch {
    // A record for people: the checkpoint has what counts.
    return undefined;
  }
}
