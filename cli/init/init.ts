/** @file `tessera init`: the plan for a folder of images as a config to read and to change. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { loadConfig } from '../../shared/config/load.ts';
import { configText } from '../../shared/config/write.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { nearPath } from '../../shared/files/near-path.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import type { Choice } from '../../tools/recipe/choices.ts';
import { configOf, type Recipe } from '../../tools/recipe/recipe.ts';
import { planFolder } from '../folder/plan.ts';
import { isImageFolder } from '../inputs/image-folder.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { pointer, print, say } from '../terminal/output.ts';

/** Flags of `init`. */
export interface InitOptions {
  readonly folder: string;
  readonly out?: string;
  readonly force?: true;
  readonly yes?: true;
  readonly verbose?: true;
}

/** Writes the config. Throws  as `planFolder`; USAGE when there is such a file already; CANNOT_WRITE. */
export async function initConfig(options: InitOptions): Promise<void> {
  const { folder, force, yes } = options;
  if (!(await isImageFolder(folder))) {
    throw new TesseraError('USAGE', `${folder} is not a folder`, {
      hint: 'give the folder of the images, with a folder for each class in it; an archive is unpacked first',
    });
  }
  const shutdown = watchShutdown({ announce: say });
  try {
    const { recipe } = await planFolder(folder, { yes, signal: shutdown.signal, say });
    const name = recipe.choices.find(({ option }) => option === 'name')?.value;
    const path = resolve(options.out ?? `${name}.yaml`);
    if (existsSync(path) && !force) {
      throw new TesseraError('USAGE', `${nearPath(path)} is there already`, {
        hint: '--force replaces it; --out FILE writes another',
      });
    }
    await writeFileAtomically(path, [Buffer.from(textOf(recipe, path))]);
    // What is written must be what is read.
    await loadConfig(path);
    print([nearPath(path)]);
    say(pointer('next', commandLine(['train', pathWord(nearPath(path))])));
  } finally {
    shutdown.dispose();
  }
}

function textOf(recipe: Recipe, path: string): string {
  const from = dirname(path);
  const placed = recipe.choices.map((choice) => ({ ...choice, value: placedValue(choice, from) }));
  const schema = createRequire(import.meta.url).resolve('#configs/schema.json');
  return configText({
    tree: configOf({ ...recipe, choices: placed }),
    comments: new Map(
      placed.flatMap(({ option, reason }) => (reason === undefined ? [] : [[option, reason]])),
    ),
    heading: [
      `yaml-language-server: $schema=${schema}`,
      '',
      'Written by `tessera init`. Every value may be changed; `tessera config show` lists the others.',
      `Run  tessera train ${nearPath(path)}`,
    ],
  });
}

/** A path in a config is relative to its file; what lies elsewhere has its whole path. */
function placedValue({ option, value }: Choice, from: string): unknown {
  if (option !== 'data.path' && option !== 'model.init.weights') return value;
  const path = resolve(String(value));
  return path === from ? '.' : nearPath(path, from);
}
