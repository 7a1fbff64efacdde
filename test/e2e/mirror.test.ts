/**
 * @file A machine is lost with its disk: the same line on an empty one continues the run from its mirror, with the same bits.
 * Two independent object stores, behind a proxy that refuses, cuts, changes bytes and is slow. `npm run mirror` does all of
 * it, the suite one store.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { type FaultPlan, randomFaults, serveFaults } from '../support/fault-proxy.ts';
import { lacks, STORES } from '../support/object-servers.ts';

const doesAll = process.env['MIRROR'] === 'all';
const folder = scratchFolder();
const SETTINGS = [
  'training.epochs=4',
  'model.width=16',
  'model.depth=1',
  'checkpoint.everySteps=5',
  'checkpoint.keep=2',
];
const line = (runFolder: string, mirror?: string) => [
  ...['train', ...SMALL_RUN, ...SETTINGS.flatMap((one) => ['--set', one])],
  ...['--workers', '2', '--json', '--verbose', '--run-folder', runFolder, '--resume', 'auto'],
  ...(mirror === undefined ? [] : ['--set', `checkpoint.mirror=${mirror}`]),
];

/** How long the coordinator's own thread was busy with the mirror, as its log says. */
function spentMs(stderr: string): number {
  return Number(/spentMs=([\d.]+)/.exec(stderr)?.[1]);
}

const SLOW_PLANS: readonly (readonly [string, FaultPlan])[] = [
  ['a slow connection', () => 'slow'],
  ['a store that is away for the first 30 requests', (n) => (n < 30 ? 'unavailable' : 'none')],
];
const PLANS: readonly (readonly [string, FaultPlan])[] = [
  ['faults of every kind', randomFaults(7, 0.25)],
  ...(doesAll ? SLOW_PLANS : []),
];

describe.each(STORES.slice(0, doesAll ? 2 : 1))('a mirror in $name', (store) => {
  let alone = { parametersSha256: '', seconds: 0 };
  let url = '';

  beforeAll(async () => {
    if (!doesAll || store.isAbsent) return;
    const ended = await tessera(line(join(folder, `alone-${store.name}`)));
    expect(ended.code, ended.stderr).toBe(0);
    alone = JSON.parse(ended.stdout);
    mkdirSync(join(folder, store.name));
    ({ url } = await store.start(join(folder, store.name)));
  });

  // Its end was not seen yet on a machine with other work: only the script runs it until it was.
  it.skipIf(!doesAll || lacks(store)).each(PLANS)(
    'through %s',
    { timeout: 280_000 },
    async (name, plan) => {
      const proxy = await serveFaults(url, plan);
      onTestFinished(() => proxy.close());
      const env = {
        ...{ AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
        AWS_ENDPOINT_URL_S3: proxy.url,
      };
      const prefix = `s3://runs/${store.name}/${PLANS.findIndex(([one]) => one === name)}`;
      const lost = join(folder, `lost-${store.name}`);
      const life = new TesseraProcess(line(lost, prefix), { env });
      await life.printed(/mirrored step \d+/);
      life.kill('SIGKILL');
      await life.ended;
      rmSync(lost, { recursive: true });
      const there = join(folder, `there-${store.name}`);
      const again = await tessera(line(there, prefix), { env });
      expect(again.code, again.stderr).toBe(0);
      const restored = Number(/restored step (\d+)/.exec(again.stderr)?.[1]);
      expect(restored, again.stderr).toBeGreaterThan(0);
      const result = JSON.parse(again.stdout);
      expect(result.parametersSha256).toBe(alone.parametersSha256);
      expect(result.spot).toMatchObject({ lives: 2, stepsDiffering: 0, isOneKind: true });
      const share = spentMs(again.stderr) / 1000 / result.seconds;
      const { none, ...faults } = proxy.counts;
      process.stdout.write(
        `${store.name}, ${name}: restored step ${restored}; ${none} good requests, faults ${JSON.stringify(faults)}; run ${result.seconds.toFixed(1)} s (alone ${alone.seconds.toFixed(1)} s), of which its mirror took ${(share * 100).toFixed(3)} %\n`,
      );
      if (doesAll) expect(share).toBeLessThan(0.01);
      rmSync(there, { recursive: true });
      // Another run is refused there, before anything is written.
      if (name !== PLANS[0]?.[0]) return;
      const other = await tessera([...line(there, prefix), '--set', 'seed=7'], { env });
      expect(other.code, other.stderr).toBe(78);
      expect(other.stderr).toMatch(/of another run: seed: 42 in the checkpoint, 7 now/);
    },
  );
});
