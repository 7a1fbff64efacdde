/** @file The live page of a run in Chromium: it opens while the run trains, shows what happens, and stops it; what it weighs, and whom it shuts out. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { RunStatus } from '../../shared/contract/status.ts';
import { readEvents } from '../../shared/runs/lines.ts';
import { hasChromium, openPage } from '../support/chromium.ts';
import { PAGE, SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';

/** What axe-core found, as far as it is looked at. */
interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PAGE_BYTES_MAX = 500_000;
const WAIT_MS = 120_000;
/** More steps than a test waits for: the page ends it. */
const SETTINGS = [
  'training.epochs=5000',
  'cluster.minWorkers=1',
  'checkpoint.everySteps=50',
  'checkpoint.keep=500',
];

/** Serious and critical findings. */
async function seriousFaults(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<{ violations: Violation[] }>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Waits until a chart shows a later step than `after`; that step. */
async function laterStep(page: Page, after: number): Promise<number> {
  const chart = page.locator('[data-chart="loss"] [role=img]');
  await chart.locator('canvas').waitFor();
  const newest = async () => {
    const words = await chart.getAttribute('aria-label');
    return Number(/at step ([\d,]+)/.exec(words ?? '')?.[1]?.replaceAll(',', '') ?? 0);
  };
  await expect.poll(newest, { timeout: WAIT_MS }).toBeGreaterThan(after);
  return await newest();
}

it.skipIf(!hasChromium)(
  'curves grow, a killed worker is seen, a checkpoint is looked at, the run is stopped',
  async () => {
    const runFolder = join(scratchFolder(), 'run');
    const run = new TesseraProcess([
      ...['train', ...SMALL_RUN, ...SETTINGS.flatMap((setting) => ['--set', setting])],
      // One worker leaves a core for the browser and the look.
      ...['--workers', '1', '--run-folder', runFolder],
    ]);
    const [, url = ''] = await run.printed(PAGE);
    expect(readFileSync(join(runFolder, 'page'), 'utf8')).toBe(`${url}\n`);
    expect((await tessera(['board', runFolder])).stdout).toBe(`${url}\n`);
    const wide = { viewport: { width: 1280, height: 900 } };
    const { page, strayed, faults, complaints } = await openPage(url, wide);
    // A look at a checkpoint has the time that the training leaves.
    page.setDefaultTimeout(WAIT_MS);
    await page.locator('#phase.good').waitFor();
    await laterStep(page, await laterStep(page, 0));
    expect(await seriousFaults(page)).toEqual([]);
    await killedWorkerIsSeen(page, url);
    await checkpointIsLookedAt(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await seriousFaults(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth > innerWidth')).toBe(false);
    expect(await bytesOf(page)).toBeLessThan(PAGE_BYTES_MAX);
    await page.locator('#filter').fill('lost');
    expect(await page.locator('#log li').first().textContent()).toContain('lost');
    await page.locator('#stop').click();
    await page.locator('#ask-no').click();
    // It saves and tests meanwhile.
    expect(await page.locator('#phase').textContent()).toMatch(/training|saving|evaluating/);
    await page.locator('#stop').press('Enter');
    await page.locator('#ask-yes').click();
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(130);
    await page.locator('#phase', { hasText: 'stopped' }).waitFor();
    // What the page asks for after the end fails, and changes nothing of what it says.
    const failed = page.waitForEvent('requestfailed');
    await page.locator('#window').selectOption('60');
    await failed;
    expect(await page.locator('#phase').textContent()).toBe('stopped');
    // The server is gone, and a browser says so of the page's last questions.
    const others = complaints.filter((text) => !text.includes('net::ERR_'));
    expect({ strayed, faults, others }).toEqual({ strayed: [], faults: [], others: [] });
    await boardShows(runFolder);
  },
);

/** The same run, read from its folder by `tessera board`. */
async function boardShows(runFolder: string): Promise<void> {
  const board = new TesseraProcess(['board', runFolder]);
  const [, url = ''] = await board.printed(/^(http:\/\/127\.0\.0\.1:\d+)$/m);
  const { page, strayed, faults, complaints } = await openPage(url);
  await page.locator('#phase', { hasText: 'stopped' }).waitFor();
  const steps = await readEvents(runFolder, ['step']);
  expect(await laterStep(page, 0)).toBe(steps.at(-1)?.step);
  await page.locator('.lane canvas[aria-label*="away"]').waitFor();
  expect(await page.locator('#stop').isVisible()).toBe(false);
  await page.locator('#log li', { hasText: 'lost' }).first().waitFor();
  expect({ strayed, faults, complaints }).toEqual({ strayed: [], faults: [], complaints: [] });
  board.kill('SIGTERM');
  const { code, stderr } = await board.ended;
  expect(code, stderr).toBe(0);
}

it('a run that is looked at has the bits of one that is not', async () => {
  const train = (page: readonly string[]) =>
    new TesseraProcess([
      ...['train', ...SMALL_RUN, '--workers', '1', '--json', ...page],
      ...['--run-folder', join(scratchFolder(), 'run')],
    ]);
  const [watched, alone] = [train([]), train(['--page', 'off'])];
  const [, url = ''] = await watched.printed(PAGE);
  const events = await fetch(`${url}/api/events`);
  const text = events.text();
  const [first, second] = await Promise.all([watched.ended, alone.ended]);
  expect(first.code, first.stderr).toBe(0);
  expect(await text).toContain('event: state');
  expect(second.stderr).not.toMatch(PAGE);
  const sha256 = ({ stdout }: { readonly stdout: string }) => JSON.parse(stdout).parametersSha256;
  expect(sha256(first)).toBe(sha256(second));
});

async function killedWorkerIsSeen(page: Page, url: string): Promise<void> {
  const reply = await fetch(`${url}/api/runs`);
  const [run] = (await reply.json()) as readonly { readonly status: RunStatus }[];
  const { worker, pid } = run?.status.workers[0] ?? { worker: 'none', pid: 0 };
  // Zero would be this process and all of its group.
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, 'SIGKILL');
  // Another takes its place and its name; the lane keeps the time between them.
  const lane = page.locator(`.lane[data-worker="${worker}"]`);
  await lane.locator('canvas[aria-label*="away once"]').waitFor();
  await page.locator('#log li', { hasText: `worker/${worker} lost` }).waitFor();
}

async function checkpointIsLookedAt(page: Page): Promise<void> {
  await page.locator('#look').click();
  await page.locator('#pictures .matrix').waitFor();
  expect(await page.locator('#pictures .matrix tbody tr').count()).toBe(10);
  expect(await page.locator('#pictures img').count()).toBeGreaterThan(8);
}

/** Bytes of all files of the page, unzipped. */
async function bytesOf(page: Page): Promise<number> {
  const bytes = await page.evaluate(
    `performance.getEntries()
      .filter(({ name, entryType }) => entryType === 'navigation' || /\\.(js|css|svg)$/.test(name))
      .reduce((sum, { decodedBodySize }) => sum + (decodedBodySize ?? 0), 0)`,
  );
  return Number(bytes);
}
