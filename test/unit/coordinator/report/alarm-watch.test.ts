/** @file The observer that derives alarms: its events come after their cause, it looks at the disk, and ends with the run. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { observe } from '../../../../coordinator/report/observe.ts';
import { deferred } from '../../../../shared/core/async.ts';
import { systemClock } from '../../../../shared/core/clock.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import type { RunEvent, TimedEvent } from '../../../../shared/runs/events.ts';
import type { RunIdentity } from '../../../../shared/runs/identity.ts';
import { readMetrics } from '../../../../shared/runs/reader/metrics.ts';
import { step } from '../../../support/alarm-curves.ts';
import { smallConfig } from '../../../support/config.ts';

/** A run that is watched by one observer, and what that gets. */
async function watched() {
  const runFolder = mkdtempSync(join(tmpdir(), 'tessera-alarms-'));
  onTestFinished(() => rmSync(runFolder, { recursive: true }));
  mkdirSync(join(runFolder, 'checkpoints', 'step-00000001'), { recursive: true });
  const got: TimedEvent[] = [];
  const alarmed = deferred<void>();
  const event = (one: TimedEvent) => {
    got.push(one);
    if (one.type === 'alarm') alarmed.resolve();
  };
  const run = await observe(
    {
      observers: [{ name: 'test', event }],
      ...{ log: createLog({ component: 'test', level: 'off' }), isResumed: false },
    },
    {
      // The run folder and the config are all that is read of it.
      identity: { runFolder, config: smallConfig({}) } as RunIdentity,
      source: { classes: ['a', 'b'], size: { train: 64, validation: 0, test: 8 } },
      ...{ run: { totalSteps: 4 }, clock: systemClock },
    },
  );
  return { run, got, runFolder, alarmed: alarmed.promise };
}

it('an alarm follows its cause, stands in the status, and is a record of metrics.jsonl', async () => {
  const { run, got, runFolder } = await watched();
  run.onEvent(step(1, { loss: Number.POSITIVE_INFINITY }) as RunEvent);
  expect(run.alarms()).toEqual([]);
  await run.close();
  expect(got.map(({ type }) => type)).toEqual(['step', 'alarm']);
  expect(run.alarms()).toEqual(['notFinite: the training loss of step 1 is not finite: Infinity']);
  expect((await readMetrics(runFolder)).damagedLines).toBe(0);
});

it('a checkpoint is a reason to look at the disk', async () => {
  const { run, got, alarmed } = await watched();
  const checkpoint = { step: 1, folder: '', bytes: Number.MAX_SAFE_INTEGER, seconds: 1 };
  run.onEvent({ type: 'checkpoint', ...checkpoint, parametersSha256: '' });
  await alarmed;
  expect(got.at(-1)).toMatchObject({ type: 'alarm', name: 'diskFull', state: 'raised' });
  await run.close();
});
