/**
 * @file A machine is lost with its disk: the same line on an empty one continues the run from its mirror, with the same bits.
 * Two independent object stores, behind a proxy that refuses, cuts, changes bytes, is slow and away. `npm run mirror` does
 * all of it, the suite one store.
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
  `training.epochs=${doesAll ? 4 : 2}`,
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

const anyFault = randomFaults(7, 0.25);
/** A store that comes a little later than the run, as after a power cut, and is a bad one then. */
const PLANS: readonly (readonly [string, FaultPlan])[] = [
  [
    'a store that comes late, and faults of every kind',
    (number, request) => (number < 3 ? 'unavailable' : anyFault(number, request)),
  ],
  ...(doesAll ? [['a slow connection', (): 'slow' => 'slow'] as const] : []),
];

describe.each(STORES.slice(0, doesAll ? 2 : 1))('a mirror in $name', (store) => {
  let alone = { parametersSha256: '', seconds: 0 };
  let url = '';
  const lacking = lacks(store);

  beforeAll(async () => {
    if (lacking) return;
    const ended = await tessera(line(join(folder, `alone-${store.name}`)));
    expect(ended.code, ended.stderr).toBe(0);
    alone = JSON.parse(ended.stdout);
    mkdirSync(join(folder, store.name));
    ({ url } = await store.start(join(folder, store.name)));
  });

  /** A proxy before the store, and the variables of a run that uses it. */
  async function through(plan: FaultPlan) {
    const proxy = await serveFaults(url, plan);
    onTestFinished(() => proxy.close());
    const env = {
      ...{ AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
      AWS_ENDPOINT_URL_S3: proxy.url,
    };
    return { proxy, env };
  }

  it.skipIf(lacking).each(PLANS)('through %s', { timeout: 280_000 }, async (name, plan) => {
    const { proxy, env } = await through(plan);
    const prefix = `s3://runs/${store.name}/${PLANS.findIndex(([one]) => one === name)}`;
    const lost = join(folder, `lost-${store.name}`);
    const life = new TesseraProcess(line(lost, prefix), { env });
    await life.printed(/mirrored step \d+/);
    life.kill('SIGKILL');
    await life.ended;
    if (name === PLANS[0]?.[0]) expect(life.stderr).toMatch(/the store replied 503.*trying again/);
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
  });

  it.skipIf(lacking || !doesAll)(
    'that goes away in mid-run: the run continues, also after kill -9 in its own folder, and nothing begins anew elsewhere',
    { timeout: 280_000 },
    async () => {
      let isAway = false;
      const { proxy, env } = await through(() => (isAway ? 'unavailable' : 'none'));
      const prefix = `s3://runs/${store.name}/away`;
      const kept = join(folder, `kept-${store.name}`);
      const life = new TesseraProcess(line(kept, prefix), { env });
      await life.printed(/mirrored step \d+/);
      isAway = true;
      const saved = life.stderr.length;
      await life.printed(new RegExp(`^[\\s\\S]{${saved},}checkpoint/step-\\d+ written`));
      life.kill('SIGKILL');
      await life.ended;
      // The own folder needs no store.
      const again = new TesseraProcess(line(kept, prefix), { env });
      // Elsewhere the newest checkpoint of the run is not known: it may not begin from none.
      const empty = join(folder, `empty-${store.name}`);
      const refused = await tessera(line(empty, prefix), { env });
      expect(refused.code, refused.stderr).toBe(75);
      expect(refused.stderr).toContain(`cannot look for the run in ${prefix} at ${proxy.url}`);
      expect(refused.stderr).toMatch(/tried 7 times.*the store replied 503/);
      expect(refused.stderr).toMatch(/nothing was begun.*start the same line again/);
      expect(refused.stdout).toBe('');
      await again.printed(/is not in the mirror, the run continues: .*the store replied 503/);
      isAway = false;
      const { code, stdout, stderr } = await again.ended;
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/resumes +from step \d+/);
      expect(JSON.parse(stdout).parametersSha256).toBe(alone.parametersSha256);
      expect(stderr).toMatch(/is not in the mirror[\s\S]*mirrored step 80 /);
      // And elsewhere it is done.
      const found = await tessera(line(empty, prefix), { env });
      expect(found.code, found.stderr).toBe(0);
      expect(JSON.parse(found.stdout).parametersSha256).toBe(alone.parametersSha256);
    },
  );
});
