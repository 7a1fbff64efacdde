/** @file The batch script of a Slurm job that runs `tessera up` on each node, as often as it takes. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { bashWord } from '../../shared/core/text.ts';
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';

/** A job to be written. */
export interface SlurmJob {
  /** Any text: what Slurm would not take in a name is replaced. */
  readonly name: string;
  readonly nodes: number;
  readonly gpusPerNode?: number | undefined;
  readonly cpusPerNode?: number | undefined;
  readonly partition?: string | undefined;
  readonly account?: string | undefined;
  readonly time?: SlurmTime | undefined;
  /** Options of sbatch, such as `qos=high`; they come last, so they win. */
  readonly more: readonly string[];
  /** The words that start Tessera on a node. */
  readonly program: readonly string[];
  /** The words after it: `up`, a config, flags. */
  readonly args: readonly string[];
  /** Variables that the job needs. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A time limit as Slurm reads it. */
export interface SlurmTime {
  readonly text: string;
  /** Undefined where there is no limit. */
  readonly seconds: number | undefined;
}

/** Seconds before the end of a job at which Slurm sends SIGTERM: to a run that has not seen its end itself. */
const WARNING_S = 60;
/** Failures that may pass and are tried again: since the run has last saved, since Slurm counts those starts too. */
const FAILURES_MAX = 3;
/** What srun reports for a task that the kernel killed for its memory, or that a warning met before it could save. */
const KILLED = [128 + 9, 128 + 15];

/** The text of the script. Throws  USAGE for an option of sbatch that a script cannot hold. */
export function slurmScript(job: SlurmJob): string {
  const variables = Object.entries(job.variables).map(
    ([name, value]) => `export ${name}=${bashWord(value)}`,
  );
  return [
    '#!/bin/bash',
    '# Submit it in the folder in which its paths mean something: sbatch FILE',
    ...optionsOf(job).map((option) => `#SBATCH ${optionWord(option)}`),
    '',
    '# The count of nodes is for `tessera launch`; `tessera up` takes their names by this variable.',
    'unset TESSERA_NODES',
    ...variables,
    ...KNOW_THE_END,
    ...runAndWait(job),
    ...requeue(),
  ].join('\n');
}

function optionsOf(job: SlurmJob): string[] {
  const { nodes, gpusPerNode, cpusPerNode, partition, account, time } = job;
  const seconds = time?.seconds ?? Number.POSITIVE_INFINITY;
  const warning = Math.max(1, Math.min(WARNING_S, Math.floor(seconds / 4)));
  const given = {
    'job-name': jobName(job.name),
    nodes,
    'ntasks-per-node': 1,
    'cpus-per-task': cpusPerNode,
    'gpus-per-node': gpusPerNode,
    partition,
    account,
    time: time?.text,
    requeue: '',
    'open-mode': 'append',
    signal: `TERM@${warning}`,
  };
  const ours = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return [...ours, ...job.more.map((option) => option.replace(/^--/, ''))].map((one) => `--${one}`);
}

/** A name for the lists of Slurm. */
export function jobName(text: string): string {
  return text.replace(/[^\p{L}\p{N}._+-]+/gu, '-').replace(/^-+/, '') || 'tessera';
}

/** An option in a line of the script, where Slurm has rules of its own: `#` begins a comment, quotes are its own. */
function optionWord(option: string): string {
  if (!/^--[a-z][a-z-]*(?:=|$)/.test(option) || /\p{Cc}/u.test(option)) {
    throw new TesseraError('USAGE', `${JSON.stringify(option)} is not an option of sbatch`, {
      hint: 'in one line, such as --sbatch qos=high or --sbatch exclusive',
    });
  }
  if (/^[\w./:=@,+%-]+$/.test(option)) return option;
  const [name, ...value] = option.split('=');
  return `${name}="${value.join('=').replace(/[\\"]/g, '\\$&')}"`;
}

/** Slurm 22.05 does not say when a job ends. A date that cannot be read is as none; to `date` that is midnight. */
const KNOW_THE_END = [
  '',
  '# When the job ends, for a Slurm that does not say it to its jobs: the run saves and ends before.',
  'if [ -z "$SLURM_JOB_END_TIME" ]; then',
  '  end=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%e)',
  '  [ -z "$end" ] || SLURM_JOB_END_TIME=$(date --date="$end" +%s 2>/dev/null)',
  '  export SLURM_JOB_END_TIME',
  'fi',
];

/**
 * Slurm's own SIGTERM reaches the script too, and bash would end while the tasks save. A warning (`--signal`, the grace
 * time of a preemption) reaches the tasks only.
 */
function runAndWait({ program, args, cpusPerNode }: SlurmJob): string[] {
  const flags = [
    '--ntasks-per-node=1',
    // srun does not take it from the job.
    ...(cpusPerNode === undefined ? [] : [`--cpus-per-task=${cpusPerNode}`]),
    // A node that ends ends no other: the first one may be saving, and the others continue without a lost one.
    '--kill-on-bad-exit=0',
    '--wait=0',
    '--label',
  ];
  return [
    '',
    '# Where Slurm itself ends the job (scancel, requeue), the tasks get SIGTERM too: wait until they have saved.',
    'ended=',
    '# At the time limit it is queued again: no person has ended it.',
    'on_term() {',
    '  again=yes',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash puts it in.
    '  [ "$(date +%s)" -ge "${SLURM_JOB_END_TIME:-9999999999}" ] || ended=yes',
    '}',
    'trap on_term TERM',
    `srun ${[...flags, ...[...program, ...args].map(bashWord)].join(' ')} &`,
    'step=$!',
    'again=yes',
    'while [ -n "$again" ]; do',
    '  again=',
    '  wait "$step"',
    '  code=$?',
    'done',
  ];
}

/** A job that Slurm ends is Slurm's to start again, or not: after scancel it must not come back. */
function requeue(): string[] {
  const codes = (wanted: string) =>
    exitCodeRows()
      .filter(({ restart }) => restart === wanted)
      .map(({ code }) => code);
  return [
    '',
    '# Saved and to be continued: always. A failure that may pass: a few times since the run has last saved.',
    'failures="slurm-$SLURM_JOB_ID.failures"',
    'if [ -z "$ended" ]; then',
    '  case $code in',
    `    ${codes('always').join(' | ')}) rm -f "$failures"; scontrol requeue "$SLURM_JOB_ID" ;;`,
    `    ${[...codes('limited'), ...KILLED].join(' | ')})`,
    `      echo "$code" >> "$failures" && [ "$(wc -l < "$failures")" -le ${FAILURES_MAX} ] &&`,
    '        scontrol requeue "$SLURM_JOB_ID" ;;',
    '    *) rm -f "$failures" ;;',
    '  esac',
    'fi',
    'exit "$code"',
    '',
  ];
}
