/** @file Events of a run as lines that stay: one order, one width, so that columns line up. Pure. */
import { basename } from 'node:path';
import { isPlausible } from '../../shared/core/divergence.ts';
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatPercent,
  formatSpan,
} from '../../shared/core/units.ts';
import type { RunEvent, StepReport } from '../../shared/runs/events.ts';

/** What a step's line says beside the step itself. */
export interface StepContext {
  readonly stepsTotal: number;
  readonly workers: number;
  readonly etaSeconds: number;
}

/** `step  400/10000  epoch 1  loss 1.8342  acc  41.2%  lr 9.80e-4  grad 0.73  812 img/s  workers 4  eta 00:18:20` */
export function stepLine(step: StepReport, context: StepContext): string {
  const total = String(context.stepsTotal);
  const eta = Number.isFinite(context.etaSeconds) ? formatDuration(context.etaSeconds) : '-';
  return [
    `step ${String(step.step).padStart(total.length)}/${total}`,
    `epoch ${step.epoch}`,
    `loss ${formatNumber(step.loss, 4)}`,
    `acc ${formatPercent(step.accuracy).padStart(6)}`,
    `lr ${step.learningRate.toExponential(2)}`,
    `grad ${formatNumber(step.gradientNorm, 2)}`,
    `${formatNumber(step.imagesPerSecond, 0)} img/s`,
    `workers ${context.workers}`,
    `eta ${eta}`,
  ].join('  ');
}

/** A line about something other than a step, with the colour that it deserves; undefined when it is not worth one. */
export function eventLine(
  event: Exclude<RunEvent, { type: 'step' }>,
): { readonly text: string; readonly mood: Mood } | undefined {
  switch (event.type) {
    case 'data':
      // The banner has it.
      return undefined;
    case 'evaluation':
      if (isPlausible(event)) return good(evaluationText(event));
      return bad(`${evaluationText(event)}  (of no use: no model has such a loss)`);
    case 'checkpoint': {
      const size = `${formatBytes(event.bytes)}, ${event.seconds.toFixed(1)} s`;
      const written = `checkpoint/${basename(event.folder)} written (${size})`;
      if (event.givenUp === undefined) return good(written);
      return warning(
        `${written}; disk full: deleted checkpoint ${basename(event.givenUp)} to make room`,
      );
    }
    case 'checkpointFailed':
      return bad(
        `checkpoint of step ${event.step} not written, the run continues: ${event.reason}`,
      );
    case 'mirrored':
      return event.bytes === 0
        ? plain(`the mirror has step ${event.step} already`)
        : good(
            `mirrored step ${event.step} (${formatBytes(event.bytes)}, ${event.seconds.toFixed(1)} s)`,
          );
    case 'mirrorFailed':
      return warning(`step ${event.step} is not in the mirror, the run continues: ${event.reason}`);
    case 'worker':
      return workerLine(event);
    case 'phase':
      return phaseLine(event);
    case 'bestGone':
      return warning(
        `the best version, of step ${event.version}, cannot be tested, so the last one is: ${event.reason}`,
      );
    case 'stall':
      return warning(event.sentence);
    case 'stallOver':
      return plain(`the run moves again, after ${formatSpan(event.seconds * 1000)}`);
    case 'slowWorker': {
      const text = `worker/${event.worker} ${event.sentence}`;
      return event.state === 'raised' ? warning(text) : plain(text);
    }
    case 'workerLog':
      // `tessera logs` and the page have it.
      return undefined;
    case 'workers':
      // The status and the page have it.
      return undefined;
    case 'emptyStep':
      return warning(
        `no image of step ${event.step} can be read: it counts as a step and changes nothing; so do further ones`,
      );
    case 'badSample':
      return warning(`left out: ${event.reason} (${event.name})`);
    case 'alarm':
      return event.state === 'raised' ? bad(`alarm: ${event.sentence}`) : good(event.sentence);
    case 'ended':
      // The command says it, with what to type next.
      return undefined;
  }
}

/** How a line is meant; colour and symbol follow from it. */
export type Mood = 'good' | 'plain' | 'warning' | 'bad';

const good = (text: string) => ({ text, mood: 'good' }) as const;
const plain = (text: string) => ({ text, mood: 'plain' }) as const;
const warning = (text: string) => ({ text, mood: 'warning' }) as const;
const bad = (text: string) => ({ text, mood: 'bad' }) as const;

function evaluationText(event: Extract<RunEvent, { type: 'evaluation' }>): string {
  const { split, epoch, loss, accuracy, version, atStep } = event;
  const of = version === atStep ? '' : `  (step ${version}, the best on the validation images)`;
  return `${split}  epoch ${epoch}  loss ${loss.toFixed(4)}  accuracy ${formatPercent(accuracy)}${of}`;
}

function workerLine(event: Extract<RunEvent, { type: 'worker' }>) {
  // A worker that joined says so again when it has compiled; once is enough.
  if (event.what === 'ready') return undefined;
  const numWorkers = `(${event.workers} worker${event.workers === 1 ? '' : 's'})`;
  const reason = event.what === 'joined' || event.reason === '' ? '' : `: ${event.reason}`;
  const text = `worker/${event.worker} ${event.what} ${numWorkers}${reason}`;
  return event.what === 'joined' ? good(text) : warning(text);
}

function phaseLine({ phase, reason }: Extract<RunEvent, { type: 'phase' }>) {
  // A checkpoint announces itself, and the end has the summary or the error.
  if (['saving', 'done', 'failed'].includes(phase)) return undefined;
  const text = reason === '' || reason === phase ? phase : `${phase}: ${reason}`;
  return phase === 'waiting' ? warning(text) : plain(text);
}
