/** @file The door of locks: a `coordinator.lock` of anybody, old or new. Who takes it then holds it; who may not, leaves it. */
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { machineProcesses } from '../../shared/machine/processes.ts';
import { holderOf, takeLock } from '../../shared/runs/lock/lock.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { changed, json } from './json.ts';
import { scratchFolder } from './sandbox.ts';

const folder = scratchFolder('lock');
const path = join(folder, 'coordinator.lock');
/** Those whose age decides are watched for a moment. */
const times = { touchMs: 2, staleMs: 200, halfMs: 20, lookMs: 2 };

/** No process has it: Linux counts to 2^22 at most. */
const NOBODY = 2 ** 30;
/** What locks tell of today tell besides. */
const { boot, table, mounts } = machineProcesses.me;
const whereabouts = fc.record({
  boot: fc.constantFrom(...Array(6).fill(boot), 'another', ''),
  table: fc.constantFrom(...Array(6).fill(table), 'pid:[7]', ''),
  mounts: fc.constantFrom(mounts, 'mnt:[7]'),
  place: fc.oneof(
    fc.constant(undefined),
    fc.constant(undefined),
    fc.record({
      folder: fc.constantFrom('1:2', ':', '\u0000'),
      file: fc.constantFrom('1:3', ''),
      isLasting: fc.boolean(),
    }),
    json,
  ),
});
const holder = fc
  .record({
    id: fc.constantFrom(...Array(8).fill('5d1c4a3e-0000'), '../../x', '', 'n'.repeat(65)),
    host: fc.constantFrom(...Array(5).fill(hostname()), 'elsewhere', '\u001b[2J', ''),
    pid: fc.constantFrom<unknown>(
      NOBODY,
      process.pid,
      process.pid,
      process.pid,
      1,
      1,
      0,
      -1,
      2 ** 53,
      '7',
      null,
    ),
    started: fc.constantFrom('', '', '', '12345', '\u0000'),
    work: fc.constantFrom(undefined, undefined, 'runs rm', '\u001b[2J'),
  })
  .chain((one) =>
    fc.oneof(
      { weight: 1, arbitrary: fc.constant(one) },
      { weight: 1, arbitrary: whereabouts.map((where) => ({ ...one, ...where })) },
    ),
  )
  .chain((one) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<unknown>(one) },
      { weight: 1, arbitrary: changed(one) },
    ),
  );
const contents = fc.oneof(
  { weight: 6, arbitrary: holder.map((one) => Buffer.from(JSON.stringify(one) ?? '')) },
  { weight: 1, arbitrary: json.map((it) => Buffer.from(JSON.stringify(it))) },
  { weight: 1, arbitrary: mutated([Buffer.from(JSON.stringify({ id: 'x', host: 'y', pid: 1 }))]) },
);
/** Seconds since its holder has touched it: fresh half a lock makes one wait, which is for the few. */
const age = fc.constantFrom(...Array(12).fill(3600), 10, 10, 10, 0);

export const lockDoors = [
  door({
    name: 'locks',
    numInputs: 100,
    inputs: fc.tuple(contents, age),
    async enter([bytes, seconds]) {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      writeFileSync(path, bytes);
      const touched = new Date(Date.now() - 1000 * seconds);
      utimesSync(path, touched, touched);
      await holderOf(path);
      const lock = await takeLock(path, { times }).catch((error: unknown) => {
        if (!readFileSync(path).equals(bytes)) throw new Error('a lock that holds was changed');
        throw error;
      });
      if ((await holderOf(path))?.pid !== process.pid) throw new Error('another one holds it');
      if (readdirSync(folder).length !== 1) throw new Error('something was left beside it');
      await lock.release();
    },
    refusals: ['RUN_IN_USE'],
    least: { accepted: 0.3, refused: 0.02 },
  }),
];
