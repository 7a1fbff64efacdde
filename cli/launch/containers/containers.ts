/** @file From flags to the containers of a run: its config, and where they find what that names. */
import { graceSeconds } from '../../../launch/containers/grace.ts';
import { type ContainerInput, containerInputs } from '../../../launch/containers/inputs.ts';
import { givenName, labelOf } from '../../../launch/containers/names.ts';
import type { ContainersRequest } from '../../../launch/containers/request.ts';
import { givenVolumes } from '../../../launch/containers/volumes.ts';
import { type LoadedConfig, loadConfig } from '../../../shared/config/load.ts';
import { isConfigModule } from '../../../shared/config/module.ts';
import { splitSettings } from '../../../shared/config/settings.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { readTextFile } from '../../../shared/files/regular-file.ts';
import { pointer, say, warning } from '../../terminal/output.ts';

/** Flags of every launch of containers. */
export interface ContainerFlags {
  readonly config: string;
  readonly print?: true;
  readonly image: string;
  readonly nodes: number;
  readonly workers?: number;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly gpus: number;
  /** Milliseconds. */
  readonly grace?: number;
  readonly volume?: readonly string[];
  readonly name?: string;
  readonly set?: readonly string[];
  readonly yes?: true;
}

/**
 * What the containers are made of; says where they find what the config names.
 *
 * Throws  USAGE, CONFIG_INVALID.
 */
export async function containersOf(flags: ContainerFlags): Promise<ContainersRequest> {
  const { image, nodes, workers, cpus, memory, gpus, grace, name, yes } = flags;
  const volumes = givenVolumes(flags.volume ?? []);
  // The settings of this terminal belong to the line that is repeated elsewhere.
  const { TESSERA_SET, ...env } = process.env;
  const set = [...splitSettings(TESSERA_SET ?? ''), ...(flags.set ?? [])];
  const loaded = await loadConfig(flags.config, { set, env });
  const inputs = containerInputs({
    inputs: loaded.inputs,
    volumes,
    isOfFile: (option) => loaded.origins.get(option) === 'file',
  });
  for (const input of inputs) say(inputLine(input, yes ?? false));
  return {
    name: name === undefined ? labelOf(loaded.config.name) : givenName(name),
    config: await textOf(loaded),
    ...{ image, nodes, set, volumes, cpus, memory, gpus },
    workers: workers?.toString(),
    yes: yes ?? false,
    graceSeconds: grace === undefined ? graceSeconds(loaded.config) : Math.ceil(grace / 1000),
  };
}

/** Throws  USAGE where the file is not asked for: nothing is started from here. */
export function requirePrint({ print }: ContainerFlags, hint: string): void {
  if (print) return;
  throw new TesseraError('USAGE', 'nothing is started from here: add --print', { hint });
}

/** The file as it is, with its comments. */
async function textOf({ path }: LoadedConfig): Promise<string> {
  if (!isConfigModule(path)) return await readTextFile(path);
  throw new TesseraError('USAGE', `${path} is a module, which a container does not get`, {
    hint: 'write the config as YAML',
  });
}

function inputLine({ option, kind, place, volume, isKnown }: ContainerInput, yes: boolean) {
  if (volume !== undefined) return pointer(kind, `${place} (${volume.source})`);
  if (isKnown && yes) return pointer(kind, `${place}, which nodes download`);
  if (isKnown) {
    return warning(`${option}: the image must have ${place}, or add --yes to download it`);
  }
  return warning(`${option}: the image must have ${place}, or add --volume SOURCE:${place}`);
}
