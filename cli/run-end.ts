/** @file The end of a run in words: its summary, and what to type to go on. Pure but for colours. */
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
    `${paint('green', '✔')} ${result.steps} steps, ${result.epochs} epochs in ${formatDuration(result.seconds)}`,
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
  const words = [config, ...set.flatMap((setting) => ['--set', setting]), '--resume', runFolder];
  const quoted = words.map((word) => (/^[\w./:=@,+-]+$/.test(word) ? word : `'${word}'`));
  return ['tessera', command, ...quoted].join(' ');
}
