/** @file Executables on real processes: one worker compiles, others and later runs take what it has made. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { enginesFolder } from '../../shared/compute/engines/installed.ts';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { sha256Of } from '../support/digest.ts';
import { longIt } from '../support/proofs.ts';
import { lacksXlaCpu } from '../support/xla.ts';

const folder = scratchFolder();
const XLA = [
  'compute.engine=xla',
  'compute.provider=cpu',
  'training.epochs=2',
  'model.width=16',
  'model.depth=1',
].flatMap((setting) => ['--set', setting]);
/** A user whose cache is empty at first; engines are where they are. */
const homeOf = (name: string) => ({
  env: { XDG_CACHE_HOME: join(folder, name), TESSERA_ENGINES: enginesFolder(process.env) },
});
const cacheOf = (name: string) => join(folder, name, 'tessera/executables');

/** The executables in a folder: their SHA-256 by their names. */
function executablesIn(path: string): Record<string, string> {
  const names = existsSync(path) ? readdirSync(path).sort() : [];
  return Object.fromEntries(names.map((name) => [name, sha256Of(readFileSync(join(path, name)))]));
}

describe.skipIf(lacksXlaCpu('executables of real processes'))('the executables of a run', () => {
  longIt(
    'come from the cache of the worker that is to compile, go to one that joins, and outlive kill -9',
    async () => {
      const one = await tessera(
        [
          'train',
          ...SMALL_RUN,
          ...XLA,
          '--workers',
          '1',
          '--json',
          '--run-folder',
          join(folder, 'one'),
        ],
        homeOf('anna'),
      );
      expect(one.code, one.stderr).toBe(0);
      const { parametersSha256: expected } = JSON.parse(one.stdout);
      const compiled = executablesIn(join(folder, 'one/executables'));
      // Training and evaluation.
      expect(Object.keys(compiled)).toHaveLength(2);
      expect(executablesIn(cacheOf('anna'))).toEqual(compiled);

      const runFolder = join(folder, 'two');
      const first = new TesseraProcess([
        ...['coordinator', ...SMALL_RUN, ...XLA, '--listen', '127.0.0.1:0'],
        // The run begins when both are there, however slow this machine is.
        ...['--run-folder', runFolder, '--set', 'cluster.minWorkers=2'],
      ]);
      const address = (await first.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
      const worker = (home: string) =>
        new TesseraProcess(['worker', address, '--threads', '1', '--name', home], homeOf(home));
      const anna = worker('anna');
      await anna.printed(/executable found in the cache/);
      const bert = worker('bert');
      await bert.printed(/executable of the run taken/);
      await statusWhere(address, (s) => s.step >= 3);
      const kept = executablesIn(join(runFolder, 'executables'));
      expect(compiled).toMatchObject(kept);
      first.kill('SIGKILL');
      await first.ended;

      const resumed = await tessera([
        ...['coordinator', '--resume', runFolder, '--listen', address, '--json'],
      ]);
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(JSON.parse(resumed.stdout).parametersSha256).toBe(expected);
      for (const { ended } of [anna, bert]) expect((await ended).code).toBe(0);
      // The evaluation is compiled by the worker that comes to it first, anna from the cache or bert.
      const after = executablesIn(join(runFolder, 'executables'));
      expect(after).toMatchObject(kept);
      expect(Object.keys(after)).toEqual(Object.keys(compiled));
      expect(executablesIn(cacheOf('bert'))).toEqual(after);
      for (const { stderr } of [anna, bert]) expect(stderr).not.toContain('bits may differ');
    },
  );
});
