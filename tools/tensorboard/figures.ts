/** @file Which figures of an event TensorBoard shows, and under which tags. Pure. */

import type { RunConfig } from '../../shared/config/schema.ts';
import { isRecord } from '../../shared/core/text.ts';
import type { TimedEvent, WorkersReport } from '../../shared/runs/events.ts';
import type { HyperParameter } from './values.ts';

/** Figures of one step. */
export interface Figures {
  readonly step: number;
  readonly values: readonly (readonly [tag: string, value: number])[];
}

/** The sections of a config that decide what a run comes to. */
const SECTIONS = ['data', 'model', 'training', 'exchange'] as const;
/** Workers that have curves of their own. */
const WORKERS_MAX = 64;
/** TensorBoard shows no more of a text in its table. */
const TEXT_CHARS_MAX = 200;

/** The figures of an event; undefined where it has none. What was not measured (NaN) is left out. */
export function figuresOf(event: TimedEvent): Figures | undefined {
  if (event.type === 'step') {
    const { step, epoch, loss, accuracy, learningRate, gradientNorm, imagesPerSecond } = event;
    return measured(step, [
      ['loss/train', loss],
      ['accuracy/train', accuracy],
      ['learning_rate', learningRate],
      ['gradient_norm', gradientNorm],
      ['images_per_second', imagesPerSecond],
      ['epoch', epoch],
    ]);
  }
  if (event.type === 'evaluation') {
    const { version, split, loss, accuracy } = event;
    return measured(version, [
      [`loss/${split}`, loss],
      [`accuracy/${split}`, accuracy],
    ]);
  }
  if (event.type === 'workers') {
    const shown = event.workers.slice(0, WORKERS_MAX);
    return measured(event.step, shown.flatMap(figuresOfWorker));
  }
  return undefined;
}

/** How quick a worker is, and the shares of its time. */
function figuresOfWorker(report: WorkersReport[number]): Figures['values'] {
  const { worker, imagesPerSecond, pull, fetch, compute, push, idle } = report;
  const parts = { images_per_second: imagesPerSecond, pull, fetch, compute, push, idle };
  return Object.entries(parts).map(([part, value]) => [`workers_${part}/${worker}`, value]);
}

function measured(step: number, values: Figures['values']): Figures | undefined {
  const known = values.filter(([, value]) => !Number.isNaN(value));
  return known.length === 0 ? undefined : { step, values: known };
}

/** The settings of a run by their dotted paths, for TensorBoard's table of runs. */
export function settingsOf(config: RunConfig): Record<string, HyperParameter> {
  const settings: Record<string, HyperParameter> = { seed: config.seed };
  const visit = (path: string, value: unknown): void => {
    if (isRecord(value)) {
      for (const [key, member] of Object.entries(value)) visit(`${path}.${key}`, member);
    } else if (typeof value === 'number' || typeof value === 'boolean') settings[path] = value;
    else if (value !== undefined && value !== null) {
      const words = typeof value === 'string' ? value : JSON.stringify(value);
      settings[path] = words.slice(0, TEXT_CHARS_MAX);
    }
  };
  for (const section of SECTIONS) visit(section, config[section]);
  return settings;
}

/** Lines as a block of code in Markdown. */
export function codeBlock(lines: string): string {
  return lines
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
