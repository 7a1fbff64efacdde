/** @file Where containers look for the data set and the weights of a config. Pure. */
import { posix } from 'node:path';
import type { ConfigInput } from '../../shared/config/inputs.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { CURRENT_FOLDER, FOLDERS, type GivenVolume } from './request.ts';
import { isWithin } from './volumes.ts';

/** Where an input comes from. */
export interface ContainerInput {
  readonly option: ConfigInput['option'];
  readonly kind: ConfigInput['kind'];
  /** As containers see it; the name of the catalogue for what has one. */
  readonly place: string;
  /** The volume that has it; undefined where the image must. */
  readonly volume: GivenVolume | undefined;
  /** Whether the catalogue knows it, so that it can be downloaded. */
  readonly isKnown: boolean;
}

/** What is known here. */
export interface InputFacts {
  readonly inputs: readonly ConfigInput[];
  readonly volumes: readonly GivenVolume[];
  /** Whether the path of an option stands in the config file, which containers see in another folder. */
  isOfFile(option: ConfigInput['option']): boolean;
}

/** Where each input is in a container. Throws  USAGE for a path that no container can have. */
export function containerInputs(facts: InputFacts): readonly ContainerInput[] {
  return facts.inputs.map((input) => placed(input, facts));
}

function placed(input: ConfigInput, { volumes, isOfFile }: InputFacts): ContainerInput {
  const { option, kind, given, name } = input;
  if (name !== undefined) return { option, kind, place: name, volume: undefined, isKnown: true };
  const base = isOfFile(option) ? FOLDERS.config : CURRENT_FOLDER;
  const place = posix.resolve(base, given);
  if (isWithin(place, FOLDERS.config)) {
    throw new TesseraError(
      'USAGE',
      `${option} is ${given}, beside the config file: a container has the file alone`,
      {
        hint: `put it into a volume: --volume NAME:/tessera/${kind} --set ${option}=/tessera/${kind}`,
      },
    );
  }
  const volume = volumes.find(({ path }) => isWithin(place, path));
  return { option, kind, place, volume, isKnown: false };
}
