/** @file An engine that takes its process down costs a lease: the worker starts again, and no bit changes. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  SMALL_RUN,
  scratchFolder,
  statusWhere,
  TesseraProcess,
  tessera,
} from '../support/cluster.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();

async function coordinator(name: string) {
  const process = new TesseraProcess([
    ...['coordinator', ...SMALL_RUN, '--json', '--run-folder', join(folder, name)],
    ...['--listen', '127.0.0.1:0'],
  ]);
  const [address = ''] = await process.printed(/127\.0\.0\.1:[1-9]\d*/);
  return { process, address };
}

it('a working process that aborts in a step is started again, says so once, and the run has the bits of a quiet one', async () => {
  const quiet = tessera([
    'train',
    ...SMALL_RUN,
    '--json',
    '--workers',
    '1',
    '--run-folder',
    join(folder, 'quiet'),
  ]);
  const { process: run, address } = await coordinator('abort');
  const worker = new TesseraProcess(['worker', address, '--name', 'anna', '--threads', '1']);
  const { workers } = await statusWhere(address, ({ step }) => step >= 4);
  // As a failed check of a library does.
  process.kill(workers[0]?.pid ?? 0, 'SIGABRT');
  await statusWhere(address, (now) =>
    now.workers.some(({ pid, leavesDone }) => pid !== workers[0]?.pid && leavesDone > 0),
  );
  const ended = await run.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(JSON.parse(ended.stdout).parametersSha256).toBe(
    JSON.parse((await quiet).stdout).parametersSha256,
  );
  const { code, stderr } = await worker.ended;
  expect(code, stderr).toBe(0);
  expect(
    stderr.match(/anna ended with signal SIGABRT: most likely by engine onnxruntime-cpu/g),
  ).toHaveLength(1);
  expect(stderr).toMatch(/it starts again \(2 restarts left\)/);
});

longIt('a worker whose process is taken down each time ends in words', async () => {
  const { process: run, address } = await coordinator('always');
  const worker = new TesseraProcess([
    'worker',
    address,
    '--name',
    'ben',
    '--threads',
    '1',
    '--restarts',
    '1',
  ]);
  const killed = new Set<number>();
  for (const _ of [1, 2]) {
    const { workers } = await statusWhere(address, (now) =>
      now.workers.some(({ pid, state }) => !killed.has(pid) && state !== 'joining'),
    );
    const pid = workers.find((known) => !killed.has(known.pid))?.pid ?? 0;
    killed.add(pid);
    process.kill(pid, 'SIGABRT');
  }
  const { code, stderr } = await worker.ended;
  expect(code, stderr).toBe(69);
  expect(stderr).toMatch(
    /error: the worker ended 2 times in a row, last: ben ended with signal SIGABRT: most likely by engine onnxruntime-cpu/,
  );
  expect(stderr).toMatch(/hint: .*engine/);
  run.kill();
  await run.ended;
});
