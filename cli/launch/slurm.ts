/** @file `tessera launch slurm`: a job that runs `tessera up` on its nodes, submitted or printed. */
import { basename, extname } from 'node:path';
import { jobName, type SlurmTime, slurmScript } from '../../launch/slurm/script.ts';
import { submitJob } from '../../launch/slurm/submit.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { isImageFolder } from '../inputs/image-folder.ts';
import { settingsOf } from '../run/settings.ts';
import { programWords } from '../terminal/command-text.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { type UpFlags, upArgs } from './up-args.ts';

/** Flags of `launch slurm`. */
export interface SlurmOptions extends UpFlags {
  readonly nodes: number;
  readonly gpusPerNode?: number;
  readonly cpusPerNode?: number;
  readonly partition?: string;
  readonly account?: string;
  readonly time?: SlurmTime;
  readonly sbatch?: readonly string[];
  readonly print?: true;
  readonly json?: true;
}

/** The variable of `--set`, which is read where the config is loaded: on the nodes. */
const SETTINGS = 'TESSERA_SET';

/** Submits the job, or prints its script. Throws  CONFIG_INVALID, USAGE, SYSTEM where sbatch fails. */
export async function launchSlurm(options: SlurmOptions): Promise<void> {
  const { config, sbatch, ...asked } = options;
  // Not after hours in the queue.
  if (!(await isImageFolder(config))) await loadConfig(config, settingsOf(options));
  const name = basename(config, extname(config));
  const settings = process.env[SETTINGS];
  const script = slurmScript({
    ...{ ...asked, name, more: sbatch ?? [] },
    program: programWords(),
    args: upArgs(options),
    variables: settings ? { [SETTINGS]: settings } : {},
  });
  if (options.print) {
    print(script.trimEnd().split('\n'));
    return;
  }
  const job = await submitJob(script);
  const runFolder = options.runFolder ?? `runs/${name}-${job}`;
  if (options.json) {
    printJson({
      schema: 'launch-slurm/1',
      job,
      name: jobName(name),
      nodes: options.nodes,
      runFolder,
    });
    return;
  }
  say(pointer('job', `${job}, ${jobName(name)} on ${nodesText(options.nodes)}`));
  say(pointer('run folder', runFolder));
  say(pointer('output', `slurm-${job}.out`));
  say(pointer('look', `squeue --jobs=${job}`));
  say(pointer('cancel', `scancel ${job}`));
}

function nodesText(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}
