/** @file The end of a run in words: its summary, and what to type next. Pure but for colours. */
import type { RunResult } from '../coordinator/events.ts';
import { formatDuration } from '../shared/core/units.ts';
import { formatPercent } from './table.ts';
import { paint } from './talk.ts';

/** The end of a run in a few lines. */
export function summary(result: RunResult): readonly string[] {
  const fact = (label: string, value: string) => `  ${label.padEnd(13)}  ${value}`;
  const crew = `${result.workers} worker${result.workers === 1 ? '' : 's'}`;
  const lines = [
    '',
    `${paint('green', '✔')} ${result.steps} steps, ${result.epochs} ${result.epochs === 1 ? 'epoch' : 'epochs'} in ${formatDuration(result.seconds)}`,
    fact('test accuracy', paint('bold', formatPercent(result.testAccuracy))),
    fact('test loss', result.testLoss.toFixed(4)),
    fact('speed', `${Math.round(result.imagesPerSecond)} img/s, ${crew}, ${result.engine}`),
    fact('parameters', `sha256 ${result.parametersSha256}`),
    fact('checkpoints', `${result.runFolder}/checkpoints`),
  ];
  if (result.badSamples > 0) lines.push(fact('unreadable', `${result.badSamples} images`));
  return lines;
}

/** After Ctrl-C, the line to type to go on: a run resumes only with the settings that it had. */
export function resumeCommand(
  command: string,
  { config, set = [] }: { readonly config: string; readonly set?: readonly string[] },
  runFolder: string,
): string {
  const settings = set.flatMap((setting) => ['--set', setting]);
  return commandLine([command, config, ...settings, '--resume', runFolder]);
}

/** A line to type: `tessera`, which in a checkout is a script of npm, and its arguments, quoted where a shell asks for it. */
export function commandLine(
  args: readonly string[],
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): string {
  const program = env['npm_package_name'] === 'tessera' ? 'npm run --silent tessera --' : 'tessera';
  const quoted = args.map((word) =>
    /^[\w./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
  );
  return [program, ...quoted].join(' ');
}
