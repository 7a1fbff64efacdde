/** @file What looks at the page of a run: viewers that ask for what a browser with the page asks for, and a taker of figures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../shared/core/clock.ts';
import { RUN_FILES } from '../../shared/runs/layout.ts';
import type { DecimatedSteps } from '../../tools/board/step-columns.ts';

/** What a page asks for, by a path after its run. */
type Ask = <Reply>(path: string) => Promise<Reply>;

const VIEWERS = 3;
const POINTS = 600;
/** As the page has it. Units  milliseconds. */
const DRAW_MS = 1500;
const FIGURES_MS = 1000;
const LOOK_MS = 200;

/** Three pages and a taker of figures, from when the run has a page until a signal. */
export async function look(runFolder: string, signal: AbortSignal): Promise<void> {
  const url = await pageOf(runFolder, signal);
  if (url === undefined) return;
  const viewers = Array.from({ length: VIEWERS }, () => view(url, signal));
  const take = async () => void (await (await fetch(`${url}/metrics`, { signal })).text());
  await Promise.allSettled([each(FIGURES_MS, signal, take), ...viewers]);
}

async function pageOf(runFolder: string, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    const url = await readFile(join(runFolder, RUN_FILES.page), 'utf8').catch(() => '');
    if (url !== '') return url.trim();
    await systemClock.sleep(LOOK_MS);
  }
  return undefined;
}

async function view(url: string, signal: AbortSignal): Promise<void> {
  const read = async <Reply>(path: string) =>
    (await (await fetch(`${url}${path}`, { signal })).json()) as Reply;
  const [run] = await read<readonly { readonly id: string }[]>('/api/runs');
  const ask: Ask = (path) => read(`/api/runs/${encodeURIComponent(run?.id ?? '')}/${path}`);
  let known = '';
  const curves = async () => {
    const { bucket, first, step } = await ask<DecimatedSteps>(`steps?points=${POINTS}${known}`);
    if (step.length > 0) known = `&bucket=${bucket}&after=${first + step.length - 1}`;
  };
  const response = await fetch(`${url}/api/events`, { signal });
  let drawnMs = Number.NEGATIVE_INFINITY;
  for await (const _ of response.body ?? []) {
    if (performance.now() - drawnMs < DRAW_MS) continue;
    drawnMs = performance.now();
    await Promise.all([curves(), ask('lanes?window=120')]);
  }
}

async function each(ms: number, signal: AbortSignal, action: () => Promise<unknown>) {
  while (!signal.aborted) {
    await action();
    await systemClock.sleep(ms);
  }
}
