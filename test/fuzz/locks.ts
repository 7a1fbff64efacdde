/** @file The door of locks: a `coordinator.lock` of anybody, old or new. Who takes it then holds it; who may not, leaves it. */
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { holderOf, takeLock } from '../../shared/host/lock.ts';
import { mutated } from './bytes.ts';
import { door } from './door.ts';
import { changed, json } from './json.ts';
import { scratchFolder } from './sandbox.ts';

const folder = scratchFolder('lock');
const path = join(folder, 'coordinator.lock');

/** No process has it: Linux counts to 2^22 at most. */
const NOBODY = 2 ** 30;
const holder = fc
  .record({
    id: fc.constantFrom(...Array(8).fill('5d1c4a3e-0000'), '../../x', '', 'n'.repeat(65)),
    host: fc.constantFrom(...Array(5).fill(hostname()), 'elsewhere', '\u001b[2J', ''),
    pid: fc.constantFrom<unknown>(
      NOBODY,
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
  })
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
      const lock = await takeLock(path).catch((error: unknown) => {
        if (!readFileSync(path).equals(bytes)) throw new Error('a lock that holds was changed');
        throw error;
      });
      if ((await holderOf(path))?.pid !== process.pid) throw new Error('another one holds it');
      if (readdirSync(folder).length !== 1) throw new Error('something was left beside it');
      await lock.release();
    },
    refusals: ['RUN_IN_USE'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
];
