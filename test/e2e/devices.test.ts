/**
 * @file Devices of a worker change no bit, and a plugin that aborts costs a lease: on XLA's CPU plugin, whose devices are as
 * many as are asked for. `npm run devices` plays all; the suite some.
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { enginesFolder } from '../../shared/compute/engines/installed.ts';
import { installBadEngine, lacksBadPlugin } from '../support/bad-plugin.ts';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';
import { lacksXlaCpu } from '../support/xla.ts';

const folder = scratchFolder();
/** Compiled programs are kept for this file alone. */
const env = { XDG_CACHE_HOME: join(folder, 'cache'), TESSERA_ENGINES: enginesFolder(process.env) };
const RUN = [
  ...SMALL_RUN,
  ...['training.epochs=1', 'model.depth=1', 'compute.engine=xla', 'compute.provider=cpu'].flatMap(
    (setting) => ['--set', setting],
  ),
];
const playsAll = process.env['DEVICES'] === 'all';
const precisions = playsAll ? ['f32', 'bf16'] : ['f32'];
const MORE_SPLITS = [
  ['four devices in one worker', '0,1,2,3', 1],
  ['two devices in one worker', '0,1', 1],
  ['three workers of one, one and two devices', '0,1,2,3', 3],
] as const;
let runs = 0;

/** Trains; returns the JSON of the result with what was printed. */
async function train(args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  runs += 1;
  const place = ['--run-folder', join(folder, `run-${runs}`)];
  const ended = await tessera(['train', ...RUN, '--json', ...place, ...args], {
    env: { ...env, ...more },
  });
  expect(ended.code, ended.stderr).toBe(0);
  return { ...JSON.parse(ended.stdout), stderr: ended.stderr };
}

const on = (devices: string, workers = 1) => ['--devices', devices, '--workers', String(workers)];

const undisturbed = new Map<string, Promise<string>>();

/** The parameters that an undisturbed run of one device ends with; made once. */
function onOneDevice(precision: string): Promise<string> {
  const known =
    undisturbed.get(precision) ??
    train([...on('0'), '--set', `training.precision=${precision}`]).then(
      ({ parametersSha256 }) => parametersSha256 as string,
    );
  undisturbed.set(precision, known);
  return known;
}

describe.skipIf(lacksXlaCpu('devices of a worker'))('with XLA on the CPU', () => {
  describe.each(precisions)('in %s', (precision) => {
    const how = ['--set', `training.precision=${precision}`];
    let expected = '';
    beforeAll(async () => {
      expected = await onOneDevice(precision);
    });

    it.each([
      ['two workers of one and two devices', '0,1,2', 2],
      ...(playsAll ? MORE_SPLITS : []),
    ] as const)('%s end with the bits of one device', async (_what, devices, workers) => {
      const result = await train([...on(devices, workers), ...how]);
      expect(result).toMatchObject({ parametersSha256: expected, workers });
    });

    it.skipIf(!playsAll)(
      'killed and resumed on other devices, it ends with the same bits',
      async () => {
        const place = join(folder, `killed-${precision}`);
        const often = ['--set', 'checkpoint.everySteps=5', '--run-folder', place];
        const args = ['train', ...RUN, ...how, ...on('0,1'), ...often];
        const before = new TesseraProcess(args, { env });
        const [address = ''] = await before.printed(/127\.0\.0\.1:[1-9]\d*/);
        await statusWhere(address, ({ parametersVersion }) => parametersVersion >= 5);
        before.kill('SIGKILL');
        await before.ended;
        const after = await tessera(['train', '--json', ...on('0,1,2'), '--resume', place], {
          env,
        });
        expect(after.code, after.stderr).toBe(0);
        expect(JSON.parse(after.stdout).parametersSha256).toBe(expected);
      },
    );
  });

  longIt('the status shows what each worker computes on', async () => {
    const place = ['--run-folder', join(folder, 'shown'), '--set', 'training.epochs=50'];
    const run = new TesseraProcess(['train', ...RUN, ...on('0,1,2'), ...place], { env });
    const [address = ''] = await run.printed(/127\.0\.0\.1:[1-9]\d*/);
    const { workers } = await statusWhere(address, ({ workers }) => workers[0]?.deviceCount === 3);
    expect(workers[0]).toMatchObject({
      deviceKind: 'cpu',
      engine: expect.stringContaining('3 x cpu'),
    });
    run.kill('SIGINT');
    expect((await run.ended).code).toBe(130);
  });

  describe.skipIf(lacksBadPlugin('plugins that abort in a run'))('a plugin that aborts', () => {
    longIt(
      'in one step takes a process down, which starts again; the run has the bits of a quiet one',
      async () => {
        const engines = join(folder, 'once');
        const once = join(folder, 'has-aborted');
        installBadEngine(engines, { kind: 'LoadedExecutable_Execute', after: 60, once });
        const result = await train(on('0,1'), { TESSERA_ENGINES: engines });
        expect(result.parametersSha256).toBe(await onOneDevice('f32'));
        const said =
          /worker\/w1 ended with signal SIGABRT: most likely by engine xla-cpu, plugin xla-cpu: planted fault: aborts; it starts again/g;
        expect(result.stderr.match(said), result.stderr).toHaveLength(1);
      },
    );

    longIt('in each life ends the run in words, with what to type', async () => {
      const engines = join(folder, 'always');
      installBadEngine(engines, { kind: 'LoadedExecutable_Execute', after: 12 });
      const place = ['--run-folder', join(folder, 'lost'), '--set', 'cluster.restarts=1'];
      const { code, stderr } = await tessera(['train', ...RUN, ...on('0'), ...place], {
        env: { ...env, TESSERA_ENGINES: engines },
      });
      expect(code, stderr).toBe(69);
      expect(stderr).toMatch(
        /no worker is left after 1 restart; first, w1 ended with signal SIGABRT/,
      );
      expect(stderr).toMatch(/hint: .*tessera.* engines test xla-cpu/);
    });
  });
});
