/** @file The end of a run in words: its summary, and what to type next. Pure but for colours. */

import { LOSS_MAX } from '../../shared/core/divergence.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { formatDuration, formatNumber, formatPercent } from '../../shared/core/units.ts';
import type { RunResult } from '../../shared/runs/events.ts';
import { spotTexts } from '../../shared/runs/spot/text.ts';
import { isDisturbed } from '../../shared/runs/spot.ts';
import type { ServerSecurityFlags } from '../connect/credentials.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { paint } from '../terminal/output.ts';

/** Said where evaluations were made and none may choose the best version. */
export const NO_BEST = `none: no version has a loss of at most ${LOSS_MAX}, which is garbage by then`;

/** The end of a run in a few lines. */
export function summary(result: RunResult): readonly string[] {
  const fact = (label: string, value: string) => `  ${label.padEnd(13)}  ${value}`;
  const numWorkers = `${result.workers} worker${result.workers === 1 ? '' : 's'}`;
  const lines = [
    '',
    `${paint('green', '✔')} ${result.steps} steps, ${result.epochs} ${result.epochs === 1 ? 'epoch' : 'epochs'} in ${formatDuration(result.seconds)}`,
    fact('test accuracy', paint('bold', formatPercent(result.testAccuracy))),
    fact('test loss', formatNumber(result.testLoss, 4)),
    fact('best', bestText(result)),
    ...(result.workers === 0
      ? []
      : [
          fact(
            'speed',
            `${Math.round(result.imagesPerSecond)} img/s, ${numWorkers}, ${result.engine}`,
          ),
        ]),
    fact('parameters', `sha256 ${result.parametersSha256}`),
    fact('checkpoints', `${result.runFolder}/checkpoints`),
  ];
  if (result.spot !== undefined && isDisturbed(result.spot)) {
    for (const [at, text] of spotTexts(result.spot).entries()) {
      lines.push(fact(at === 0 ? 'disturbances' : '', text));
    }
  }
  if (result.badSamples > 0) lines.push(fact('unreadable', `${result.badSamples} images`));
  if (result.emptySteps > 0) {
    const { emptySteps, steps } = result;
    lines.push(fact('empty steps', `${emptySteps} of ${steps} had no image that can be read`));
  }
  return lines;
}

/** Which version is the best, by which images, and whether it is the one that was tested. */
function bestText(result: RunResult): string {
  const { chosenOn, bestStep, bestAccuracy, testedStep, isTestedOnce } = result;
  if (Number.isNaN(bestStep)) return NO_BEST;
  if (chosenOn === 'test' && isTestedOnce)
    return 'the last step; the test images were looked at once';
  const best = `step ${formatNumber(bestStep, 0)}, ${formatPercent(bestAccuracy)} of the ${chosenOn} images`;
  if (chosenOn === 'test')
    return `${best}: chosen on the images that it is tested with (see data.validation)`;
  return testedStep === bestStep
    ? `${best}; the test is of this version`
    : `${best}; the test is of step ${formatNumber(testedStep, 0)}`;
}

/** Flags that a resumed run needs again, since its folder does not hold credentials. */
export type KeptFlags = ServerSecurityFlags;

/** The command that resumes a run: its folder has the settings, and the address that its workers know. */
export function resumeCommand(
  command: 'train' | 'coordinator',
  options: KeptFlags,
  { runFolder }: { readonly runFolder: string },
): string {
  const flags = {
    '--resume': runFolder,
    '--certs': options.certs,
    '--token-file': tokenWord(options.tokenFile),
    '--operator-token-file': tokenWord(options.operatorTokenFile),
  };
  return commandLine([
    command,
    ...Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined ? [] : [flag, pathWord(value)],
    ),
    ...(options.insecure ? ['--insecure'] : []),
  ]);
}

/** A file that a shell made for one command (`<(pass show tessera)`) has no name that works twice. */
function tokenWord(path: string | undefined): string | undefined {
  return path !== undefined && /^\/(?:dev|proc)\/(?:.*\/)?fd\/\d+$/.test(path) ? 'FILE' : path;
}

/** Ends after which the same run may be resumed. */
const CAN_GO_ON: ReadonlySet<TesseraError['code']> = new Set([
  'CANCELLED',
  'INTERRUPTED',
  'CANNOT_WRITE',
  'WORKERS_LOST',
]);

/** The end of a run that can be resumed, with what to type: it was stopped, lost its workers, or its last save had no room. */
export function withWayOn(error: TesseraError, again: string): TesseraError {
  const { code, sentence, hint, details } = error;
  if (!CAN_GO_ON.has(code)) return error;
  const first =
    code !== 'CANCELLED' && code !== 'INTERRUPTED' && hint !== undefined ? `${hint}, then ` : '';
  return new TesseraError(code, sentence, { hint: `${first}${again}`, details, cause: error });
}
