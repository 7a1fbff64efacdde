/** @file The rules of a config's data. */
import { isFolderName, needsPath } from '../data/options.ts';
import type { ConfigProblem } from './problems.ts';
import type { PlannedConfig, RunConfig } from './schema.ts';

function* programDataProblems({ access, validation }: RunConfig['data']): Generator<ConfigProblem> {
  if (access === 'local') {
    yield {
      path: ['data', 'access'],
      sentence: 'local, and worker processes cannot read a data set that a program hands in',
      hint: 'leave it at coordinator: the program reads the samples, and workers fetch them',
    };
  }
  if (validation !== 'auto') {
    yield {
      path: ['data', 'validation'],
      sentence: 'a data set that a program hands in has its own validation split',
      hint: 'leave it at auto',
    };
  }
}

/** What is wrong with the section `data` of a config. */
export function* dataProblems({ data }: PlannedConfig): Generator<ConfigProblem> {
  if (needsPath(data) && data.path === undefined) {
    yield {
      path: ['data', 'path'],
      sentence: `missing; source ${data.source} needs the folder of the data set`,
      hint: 'give it relative to the config file, or with --set data.path=FOLDER',
    };
  }
  if (data.source === 'mnist' && (data.testFraction === 0 || data.testFraction === 1)) {
    yield {
      path: ['data', 'testFraction'],
      sentence: `the embedded digits have no test split, and ${data.testFraction} would leave one of the two splits empty`,
      hint: 'choose a share between 0 and 1, such as 0.2',
    };
  }
  if (data.source === 'program') yield* programDataProblems(data);
  yield* validationProblems(data);
  yield* transferProblems(data);
  for (const key of ['mean', 'deviation'] as const) {
    const { length } = data[key];
    if (length === 1 || length === data.channels) continue;
    yield {
      path: ['data', key],
      sentence: `${length} values for images of ${data.channels} ${data.channels === 1 ? 'channel' : 'channels'}`,
      hint:
        data.channels === 1
          ? 'give one value'
          : `give one value for all channels, or ${data.channels}`,
    };
  }
  const [smallest, largest] = data.augment.cropScale;
  if (smallest > largest) {
    yield {
      path: ['data', 'augment', 'cropScale'],
      sentence: `the smallest share (${smallest}) is larger than the largest (${largest})`,
      hint: `write [${largest}, ${smallest}]`,
    };
  }
}

function* transferProblems({ transfer, augment }: RunConfig['data']): Generator<ConfigProblem> {
  const { mixup, erasing } = augment;
  if (transfer !== 'uint8' || (mixup === 0 && erasing === 0)) return;
  yield {
    path: ['data', 'transfer'],
    sentence: `uint8 holds decoded pixels, and ${mixup > 0 ? 'mixup' : 'erasing'} makes values between them`,
    hint: 'choose float16, or turn data.augment.mixup and data.augment.erasing off',
  };
}

function* validationProblems({ source, validation }: RunConfig['data']): Generator<ConfigProblem> {
  if (source === 'image-folder' || !isFolderName(validation)) return;
  yield {
    path: ['data', 'validation'],
    sentence: `${validation} is a folder, but source ${source} has no folders`,
    hint: 'set a share of the training images, such as 0.1, or none',
  };
}
