/** @file What workers of other machines log, in one place: how one was killed, the error of another, and no escape of a third. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NO_ERROR } from '../../shared/core/error-report.ts';
import { clientSecurity } from '../../shared/exchange/grpc/security.ts';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { JOIN, linkTo, openSession } from '../support/loopback.ts';

const folder = scratchFolder();
const HOSTILE = `\u001b]0;pwned\u0007\u001b[2J\nsecond line \u202etxt.exe`;

it('lines of remote workers stand in RUN/logs and in `tessera logs`, escaped', async () => {
  const certs = join(folder, 'certs');
  const run = join(folder, 'run');
  expect((await tessera(['certs', 'init', certs])).code).toBe(0);
  const coordinator = new TesseraProcess([
    ...['coordinator', ...SMALL_RUN, '--run-folder', run, '--certs', join(certs, 'coordinator')],
    // It waits for a third worker, so it does not end meanwhile.
    ...['--listen', '127.0.0.1:0', '--set', 'cluster.minWorkers=3'],
  ]);
  const address = (await coordinator.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
  const shown = ['--certs', join(certs, 'worker')];
  const logs = (...args: string[]) => ['logs', ...args, '--run', run];
  const following = new TesseraProcess(logs('--follow', '--json'));

  const far = new TesseraProcess(['worker', address, '--name', 'far', '--threads', '1', ...shown]);
  const broken = new TesseraProcess([
    ...['worker', address, '--name', 'broken', '--engine', 'tfjs-node-gpu', ...shown],
  ]);
  await coordinator.printed(/worker\/far joined/);
  process.kill(far.workingPid as number, 'SIGKILL');
  const security = await clientSecurity({ certs: join(certs, 'worker') }, () => {});
  const link = linkTo(address, { security });
  const evil = openSession(link, { ...JOIN, name: 'evil' });
  expect((await evil.welcome).takesLog).toBe(true);
  const line = { number: 1, leftOut: 12, ageMs: 0, level: 'warn' as const, text: HOSTILE };
  evil.stream.sendHeartbeat({ assignment: 0, leavesOpen: 0, error: NO_ERROR, log: [line] });
  await following.printed(/"text":"the process before ended with signal SIGKILL/);
  await following.printed(/"worker":"evil".*second line/);
  await following.printed(/ENGINE_UNAVAILABLE/);
  const failed = await broken.ended;
  expect(failed.code, failed.stderr).toBe(69);
  evil.stream.sendLeave(NO_ERROR);
  link.close();

  const stop = await tessera(['stop', address, '--certs', join(certs, 'operator')]);
  expect(stop.code, stop.stderr).toBe(0);
  const [followed, ended] = await Promise.all([following.ended, coordinator.ended]);
  expect([followed.code, ended.code], followed.stderr).toEqual([0, 130]);
  await far.ended;

  const records = readFileSync(join(run, 'logs', 'workers.jsonl'), 'utf8');
  const [all, one, none] = await Promise.all([
    tessera(logs()),
    tessera(logs('broken')),
    tessera(logs('nobody')),
  ]);
  const printed = all.stdout;
  for (const text of [records, printed, followed.stdout]) {
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
  }
  const lines = records
    .trim()
    .split('\n')
    .map((json) => JSON.parse(json));
  expect(lines).toContainEqual(expect.objectContaining({ worker: 'far', level: 'fatal' }));
  expect(lines).toContainEqual(expect.objectContaining({ worker: 'broken', level: 'fatal' }));
  expect(printed).toMatch(/evil on here {2}⚠ 12 lines left out\n/);
  expect(printed).toContain(
    '⚠ \\u001b]0;pwned\\u0007\\u001b[2J\\u000asecond line \\u202etxt.exe\n',
  );
  expect(one.stdout).toMatch(/^[^\n]*ENGINE_UNAVAILABLE[^\n]*\n$/);
  expect(none.code).toBe(2);
  expect(none.stderr).toMatch(/had no worker nobody\n.*it had broken, evil, far/);
});
