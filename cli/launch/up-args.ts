/** @file A line of `tessera up`, of the flags that a launcher was given for it. */
import type { WorkerCount } from '../../shared/config/settings.ts';
import { pathWord } from '../terminal/command-text.ts';

/** Flags that are handed on to `tessera up`. */
export interface UpFlags {
  readonly config: string;
  readonly set?: readonly string[];
  readonly workers?: WorkerCount;
  readonly devices?: readonly number[];
  readonly runFolder?: string;
  readonly joinFolder?: string;
  readonly port?: number;
  /** Milliseconds. */
  readonly reconnect?: number;
  readonly yes?: true;
  readonly insecure?: true;
  readonly verbose?: true;
}

/** The words after the name of the program. */
export function upArgs(flags: UpFlags): readonly string[] {
  const { config, set = [], workers, devices, runFolder, joinFolder, port, reconnect } = flags;
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ['--workers', workersText(workers)],
    ['--devices', devices?.join(',')],
    ...set.map((setting) => ['--set', setting] as const),
    ['--run-folder', runFolder],
    ['--join-folder', joinFolder],
    ['--port', port],
    ['--reconnect', reconnect === undefined ? undefined : `${reconnect}ms`],
  ];
  return [
    ...['up', pathWord(config)],
    ...values.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(['yes', 'insecure', 'verbose'] as const)
      .filter((name) => flags[name])
      .map((name) => `--${name}`),
  ];
}

function workersText(workers: WorkerCount | undefined): string | number | undefined {
  return typeof workers === 'object' ? `${workers.min}:${workers.max}` : workers;
}
