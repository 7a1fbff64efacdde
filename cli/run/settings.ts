/** @file Flags that are settings of the config by shorter names, and where their values come from. */
import type { LoadOptions } from '../../shared/config/load.ts';
import type { TensorBoardExtent } from '../../shared/config/observe.ts';
import {
  devicesSettings,
  type WorkerCount,
  workersSettings,
} from '../../shared/config/settings.ts';
import { variableOf } from '../variables/names.ts';

/** Flags that set values of a config. */
export interface SettingFlags {
  readonly set?: readonly string[] | undefined;
  readonly workers?: WorkerCount | undefined;
  readonly devices?: readonly number[] | undefined;
  readonly listen?: string | undefined;
  readonly webhook?: string | undefined;
  readonly tensorboard?: TensorBoardExtent | undefined;
  /** Those whose values come from variables. */
  readonly setByVariables?: ReadonlySet<string>;
}

/** What flags set, with its source: settings are a part of the run, so that a resumed one has them from its folder. */
export function settingsOf(flags: SettingFlags): Required<Omit<LoadOptions, 'env'>> {
  const { set = [], workers, devices, listen, webhook, tensorboard, setByVariables } = flags;
  const named = [
    { flag: 'workers', set: workersSettings(workers) },
    { flag: 'devices', set: devicesSettings(devices) },
    { flag: 'listen', set: textSettings('cluster.listen', listen) },
    { flag: 'webhook', set: textSettings('observe.webhook', webhook) },
    { flag: 'tensorboard', set: textSettings('observe.tensorboard', tensorboard) },
  ];
  const isTyped = ({ flag }: { readonly flag: string }) => !setByVariables?.has(flag);
  return {
    set: [...set, ...named.filter(isTyped).flatMap((one) => one.set)],
    variables: named
      .filter((one) => !isTyped(one))
      .map((one) => ({ name: variableOf(one.flag), set: one.set })),
  };
}

function textSettings(path: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${path}=${JSON.stringify(value)}`];
}
