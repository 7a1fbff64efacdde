/** @file From a folder of images to a run: looks at it, chooses, measures, and says what will be done. */
import { measureSpeed } from '../../launch/replay/measure.ts';
import { readSettings, settingOf } from '../../shared/config/settings.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatDuration } from '../../shared/core/units.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { type FolderFacts, lookAt } from '../../tools/recipe/look.ts';
import { findPretrained, OFFERED_WEIGHTS, type Pretrained } from '../../tools/recipe/pretrained.ts';
import { configOf, type Recipe, type RecipeInputs, recipeFor } from '../../tools/recipe/recipe.ts';
import { expectedSeconds, type Speed } from '../../tools/recipe/time.ts';
import { isAgreed } from '../terminal/agreement.ts';
import { hint, pointer, warning } from '../terminal/output.ts';
import { folderLines, modelLine, trainingLines } from './plan-view.ts';

/** How a folder is planned for. */
export interface PlanOptions {
  /** Weights may be downloaded without asking. */
  readonly yes?: true | undefined;
  readonly set?: readonly string[] | undefined;
  /** Only a few steps are made: how long a whole run would be is not said. */
  readonly isTrial?: true | undefined;
  readonly signal: AbortSignal;
  /** Gets the lines that are shown meanwhile. */
  readonly say: (line: string) => void;
}

/** A recipe, and what it was made from. */
export interface FolderPlan {
  readonly recipe: Recipe;
  readonly facts: FolderFacts;
  readonly pretrained: Pretrained | undefined;
}

const SEED = 42;
/** Fine-tuning that takes longer is done only if it is asked for. */
const SECONDS_MAX = 45 * 60;
/** With fewer images, measuring would take as long as training. */
const MEASURED_IMAGES = 600;

/** Plans a run on a folder. Throws  DATA_INVALID when it cannot be trained on; what measuring throws. */
export async function planFolder(folder: string, options: PlanOptions): Promise<FolderPlan> {
  const { say, signal } = options;
  const facts = await lookAt(folder, SEED);
  signal.throwIfAborted();
  const pretrained = await pretrainedFor(options);
  const asked = askedFor(options.set);
  const first = recipeFor({ facts, pretrained, ...asked });
  for (const line of folderLines(facts)) say(line);
  const { recipe, seconds } = await withTime(
    first,
    { facts, pretrained },
    { ...options, isAsked: asked.kind !== undefined },
  );
  const plan = { recipe, facts, pretrained };
  say(modelLine(plan));
  if (options.isTrial) return plan;
  for (const line of trainingLines(plan)) say(line);
  const time =
    seconds === undefined ? 'a minute or less' : `about ${formatDuration(seconds)} on this machine`;
  say(pointer('time', time));
  return plan;
}

/** What settings say of what a recipe decides first. */
function askedFor(set: readonly string[] = []): Pick<RecipeInputs, 'kind' | 'epochs'> {
  const { settings } = readSettings(set, 'flag');
  const freeze = settingOf(['model', 'freeze'], settings)?.value;
  const epochs = settingOf(['training', 'epochs'], settings)?.value;
  return {
    ...(typeof freeze === 'string' && { kind: freeze === 'backbone' ? 'head' : 'finetune' }),
    ...(typeof epochs === 'number' && { epochs }),
  };
}

/** Weights that are here, or that are downloaded once the user agrees. */
async function pretrainedFor({ yes, signal, say }: PlanOptions): Promise<Pretrained | undefined> {
  const { gpus } = await findDevices();
  const kind = gpus.length > 0 ? 'gpu' : 'cpu';
  const found = await findPretrained(kind, process.env);
  for (const reason of found.passedOver) say(warning(`not used: ${reason}`));
  if (found.pretrained !== undefined) return found.pretrained;
  const offered = OFFERED_WEIGHTS[kind];
  const question = `No pretrained weights in ./weights. Download ${offered.title} from ${offered.host}? Results are much better with them.`;
  const mayAsk = process.stdin.isTTY && process.stderr.isTTY;
  if (yes !== true && !(mayAsk && (await isAgreed(question, signal)))) {
    say(
      warning(
        'no pretrained weights in ./weights: training from scratch, which needs many more images',
      ),
    );
    say(hint(`tessera weights get ${offered.name}, or --yes, and train again`));
    return undefined;
  }
  // Unpacking and the rest are needed for this alone.
  const { getInputs } = await import('../get/get.ts');
  await getInputs([{ kind: 'weights', name: offered.name }], signal);
  return (await findPretrained(kind, process.env)).pretrained;
}

/** Measures a few steps; where fine-tuning would take too long, the head alone is trained. */
async function withTime(
  first: Recipe,
  inputs: Pick<FolderPlan, 'facts' | 'pretrained'>,
  options: PlanOptions & { readonly isAsked: boolean },
): Promise<{ readonly recipe: Recipe; readonly seconds: number | undefined }> {
  const { train, validation, test } = first.images;
  if (train + validation + test < MEASURED_IMAGES) return { recipe: first, seconds: undefined };
  options.say(pointer('measuring', 'a few steps on this machine'));
  const speed = await speedOf(first, options);
  const seconds = expectedSeconds(first, speed);
  if (first.kind !== 'finetune' || options.isAsked || seconds <= SECONDS_MAX)
    return { recipe: first, seconds };
  const head = recipeFor({ ...inputs, kind: 'head' });
  options.say(
    warning(
      `training all weights would take about ${formatDuration(seconds)} here; the head alone is trained, on what the pretrained weights see`,
    ),
  );
  options.say(hint('--set model.freeze=none trains all of them'));
  return { recipe: head, seconds: expectedSeconds(head, speed) };
}

/** What an image of a training step takes, with all workers of this machine. */
async function speedOf(recipe: Recipe, { set = [], signal }: PlanOptions): Promise<Speed> {
  const config = configOf(recipe);
  const microBatch = Number(config.training?.microBatch);
  const { imagesPerSecond } = await measureSpeed({ config, set, microBatch }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw TesseraError.from(error);
    },
  );
  return { secondsPerImage: 1 / imagesPerSecond, kind: recipe.kind };
}
