/** @file What a folder of images holds, as far as it decides how to train on it. */
import { basename, resolve } from 'node:path';
import { refuseSingleClass } from '../../shared/config/rules.ts';
import type { FoundSource } from '../../shared/data/found.ts';
import { dataOptions } from '../../shared/data/options.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { classCounts } from '../../shared/data/source.ts';

/** A folder of images. */
export interface FolderFacts {
  /** Its absolute path, and the last name of it. */
  readonly path: string;
  readonly name: string;
  /** Training images of each class, before any are held back. */
  readonly counts: readonly number[];
  /** Whether it has a test folder, and a validation folder beside it. */
  readonly hasTest: boolean;
  readonly hasValidation: boolean;
  /** Images of it that are for testing, where it has them. */
  readonly testImages: number;
  /** What was found and left out. */
  readonly found: FoundSource;
}

/** Looks at a folder. Throws  DATA_INVALID as `openDataSource` does, or when it has one class. */
export async function lookAt(folder: string, seed: number): Promise<FolderFacts> {
  const path = resolve(folder);
  // Without a share for testing, all images that are not in a test folder are there to train.
  const config = dataOptions.parse({ source: 'image-folder', path, testFraction: 0 });
  const source = await openDataSource(config, { seed, baseFolder: path });
  refuseSingleClass(source.classes);
  const { from } = source.found;
  return {
    ...{ path, name: basename(path), counts: classCounts(source) },
    hasTest: source.size.test > 0 && from['test'] !== from['train'],
    hasValidation: source.size.validation > 0,
    testImages: source.size.test,
    found: source,
  };
}
