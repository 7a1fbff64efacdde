/** @file The live page of a run of a million steps and 64 workers: how soon its curves are there, and what it holds in memory. */
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chromium, type Page } from 'playwright-core';
import { systemClock } from '../shared/core/clock.ts';
import type { TimedActivity } from '../shared/runs/activity.ts';
import type { TimedEvent } from '../shared/runs/events.ts';
import { readPast } from '../tools/board/past.ts';
import { type BoardRun, RunView } from '../tools/board/run-view.ts';
import { serveBoard } from '../tools/board/server.ts';
import { median } from './figures/median.ts';

/** What was measured. Without Chromium there are no times of the page. */
export interface PageFigures {
  readonly steps: number;
  readonly workers: number;
  /** From the question for the page to its first paint, and to all curves with the last step. Units  milliseconds. */
  readonly firstPaintMs?: number;
  readonly allCurvesMs?: number;
  /** A closer look at the last 10,000 steps. Units  milliseconds. */
  readonly closerMs?: number;
  /** Of the process, by the run's steps and activities, after its garbage is gone. */
  readonly residentGrowsMiB: number;
  /** The server's own time for all curves. Units  milliseconds. */
  readonly replyMs: number;
  /** `tessera board` reads the same run from its folder. */
  readonly metricsMiB: number;
  readonly readSeconds: number;
}

const STEPS = 1_000_000;
const WORKERS = 64;
const STEP_MS = 250;
const ROUNDS = 5;
const WAIT_MS = 60_000;
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const START_MS = Date.UTC(2026, 0, 1);

/** Makes the run, serves it, opens its page. */
export async function benchPage(): Promise<PageFigures> {
  const before = await residentMiB();
  const view = new RunView(() => undefined);
  for (let step = 1; step <= STEPS; step++) {
    view.event(stepEvent(step));
    view.activity(delivery(step));
  }
  const residentGrowsMiB = (await residentMiB()) - before;
  const run: BoardRun = {
    ...{ id: 'million', view, folder: '.', isLive: false, origins: undefined, stop: undefined },
    config: async () => ({}),
    status: () => undefined,
  };
  const listen = '127.0.0.1:0';
  const source = { runs: () => [run] };
  const server = await serveBoard({ source, listen, clock: systemClock });
  try {
    const replyMs = await medianOf(async () => {
      const reply = await fetch(`${server.url}/api/runs/million/steps?points=600`);
      await reply.arrayBuffer();
    });
    const shown = await timesOf(server.url);
    return {
      steps: STEPS,
      workers: WORKERS,
      ...shown,
      residentGrowsMiB,
      replyMs,
      ...(await read()),
    };
  } finally {
    await server.close();
  }
}

function stepEvent(step: number): TimedEvent {
  const noise = Math.sin(step * 12.9898) * 0.1;
  const timings = {
    ...{ wallMs: STEP_MS, pullMs: 5, fetchMs: 1, computeMs: 200, pushMs: 5, idleMs: 39 },
    ...{ sumMs: 2, optimizerMs: 2, coordinatorBusyMs: 9 },
  };
  return {
    ...{ type: 'step', time: new Date(START_MS + step * STEP_MS).toISOString(), step },
    ...{ epoch: Math.ceil(step / 10_000), loss: 2.3 * Math.exp(-step / 2e5) + 0.2 + noise },
    ...{ accuracy: 0.5, learningRate: 1e-3, gradientNorm: 1 + noise, imagesPerSecond: 4000 },
    timings,
  };
}

function delivery(step: number): TimedActivity {
  const timings = { pullMs: 5, fetchMs: 1, computeMs: 200, pushMs: 5, idleMs: 39 };
  return {
    ...{ type: 'delivered', worker: `w${step % WORKERS}`, kind: 'train', step, first: 0, count: 1 },
    ...{ samples: 16, atMs: START_MS + step * STEP_MS, timings },
  };
}

/** What `tessera board` does first, with the same run in a folder. */
async function read(): Promise<Pick<PageFigures, 'metricsMiB' | 'readSeconds'>> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-page-'));
  try {
    const path = join(folder, 'metrics.jsonl');
    const file = await open(path, 'w');
    for (let step = 1; step <= STEPS; step += 1000) {
      const lines = Array.from({ length: 1000 }, (_, at) => JSON.stringify(stepEvent(step + at)));
      await file.write(`${lines.join('\n')}\n`);
    }
    await file.close();
    const startedMs = performance.now();
    await readPast(folder, new RunView(() => undefined));
    const readSeconds = (performance.now() - startedMs) / 1000;
    return { metricsMiB: (await stat(path)).size / 1024 ** 2, readSeconds };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each time in a browser that has nothing of the page yet. */
async function timesOf(url: string) {
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (executablePath === undefined) return {};
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const times: { firstPaintMs: number; allCurvesMs: number; closerMs: number }[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const startedMs = performance.now();
      await page.goto(url);
      await haveAll(page, '1,000,000');
      const allCurvesMs = performance.now() - startedMs;
      const firstPaintMs = Number(
        await page.evaluate(`performance.getEntriesByName('first-paint')[0]?.startTime`),
      );
      const closerAtMs = performance.now();
      const asked = page.waitForResponse((reply) => reply.url().includes('from=990001'));
      await page.locator('#range').selectOption('10000');
      await asked;
      await haveAll(page, '1,000,000');
      times.push({ firstPaintMs, allCurvesMs, closerMs: performance.now() - closerAtMs });
      await context.close();
    }
  } finally {
    await browser.close();
  }
  const of = (name: keyof (typeof times)[number]) => median(times.map((time) => time[name]));
  return {
    firstPaintMs: of('firstPaintMs'),
    allCurvesMs: of('allCurvesMs'),
    closerMs: of('closerMs'),
  };
}

/** Waits until each chart is drawn with its last step. */
async function haveAll(page: Page, step: string): Promise<void> {
  const drawn = page.locator(`[data-chart] [role=img][aria-label*="at step ${step}"] canvas`);
  await drawn.nth(4).waitFor({ timeout: WAIT_MS });
}

async function medianOf(action: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    await action();
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function residentMiB(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    collectGarbage();
    await setImmediate();
  }
  return process.memoryUsage.rss() / 1024 ** 2;
}
