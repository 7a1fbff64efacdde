/** @file A run as figures for Prometheus: what promtool says of the text, and of the alerts and the board that ask for it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { boardMetrics, type MetricsSnapshot } from '../../../../tools/board/metrics.ts';
import { RunCounts } from '../../../../tools/board/run-counts.ts';
import { delivered, runStatus, workerStatus } from '../../../support/board.ts';

const DEPLOY = resolve(import.meta.dirname, '../../../../deploy');
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
if (!hasPromtool) process.stderr.write('skipped: promtool of Prometheus is not installed\n');
const time = '2026-01-01T00:00:00.000Z';

function snapshot(part: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  const counts = new RunCounts();
  const step = { step: 1, epoch: 1, loss: 1, accuracy: 0, learningRate: 1, gradientNorm: 1 };
  const timings = {
    ...{ wallMs: 250, pullMs: 1, fetchMs: 1, computeMs: 1, pushMs: 1, idleMs: 1, sumMs: 1 },
    ...{ optimizerMs: 1, coordinatorBusyMs: 1 },
  };
  counts.event({ type: 'step', time, ...step, imagesPerSecond: 1, timings });
  const came = { type: 'worker', time, reason: '', workers: 1 } as const;
  counts.event({ ...came, worker: 'w1', what: 'joined' });
  counts.activity(delivered(1, { timings: { ...timings, computeMs: 1500 } }));
  return {
    ...{ nowMs: Date.parse(time) + 5000, status: undefined, counts, viewers: 2 },
    ...{ residentBytes: 1e8, disk: { freeBytes: 1, sizeBytes: 2 } },
    ...part,
  };
}

const full = () =>
  boardMetrics(
    snapshot({
      status: runStatus({
        loss: Number.POSITIVE_INFINITY,
        alarms: ['lossHigh: the training loss has risen'],
        workers: [
          workerStatus({ worker: 'a "b" \\ c\nd' }),
          workerStatus({ worker: 'w2', state: 'idle', slow: 'takes twice as long' }),
        ],
      }),
    }),
  );

it('has values in base units, and leaves out what was not measured', () => {
  const lines = full().split('\n');
  for (const line of [
    'tessera_step 3',
    'tessera_phase{phase="training"} 1',
    'tessera_phase{phase="done"} 0',
    'tessera_loss{split="train"} +Inf',
    'tessera_alarm{alarm="lossHigh"} 1',
    'tessera_alarm{alarm="overfitting"} 0',
    'tessera_workers{state="idle"} 1',
    'tessera_workers_slow 1',
    'tessera_worker_silent_seconds{worker="a \\"b\\" \\\\ c\\nd"} 0.5',
    'tessera_worker_seconds_total{worker="w1",part="compute"} 1.5',
    'tessera_step_seconds_bucket{le="0.1"} 0',
    'tessera_step_seconds_bucket{le="0.3"} 1',
    'tessera_last_step_age_seconds 5',
    'tessera_workers_joined_total 1',
    'tessera_page_viewers 2',
  ]) {
    expect(lines).toContain(line);
  }
  expect(full()).not.toContain('split="test"');
  expect(full()).not.toContain('NaN');
});

it('before a run can be asked there are the counts alone', () => {
  const text = boardMetrics(snapshot({ disk: undefined }));
  expect(text).toContain('tessera_page_viewers 2');
  expect(text).not.toMatch(/tessera_(loss|workers|disk_free_bytes)[{ ]/);
});

it('the age of the last step counts from the beginning before there is one', () => {
  const counts = new RunCounts();
  counts.event({ type: 'phase', time, phase: 'waiting', reason: '' });
  expect(boardMetrics(snapshot({ counts }))).toContain('tessera_last_step_age_seconds 5\n');
});

it('a worker that is gone has no series, and thousands of workers do not make thousands', () => {
  const counts = new RunCounts();
  for (let worker = 0; worker < 2000; worker++) {
    counts.activity(delivered(worker, { worker: `w${worker}` }));
  }
  expect(counts.workerSeconds.size).toBe(256);
  const lost = { type: 'worker', time, reason: 'silent', workers: 0, what: 'lost' } as const;
  counts.event({ ...lost, worker: 'w1', leaves: 4 });
  expect(counts.workerSeconds.has('w1')).toBe(false);
  expect(boardMetrics(snapshot({ counts }))).toContain('tessera_leaves_lost_total 4\n');
});

it.skipIf(!hasPromtool)('promtool finds nothing wrong with the text and the alerts', () => {
  const metrics = spawnSync('promtool', ['check', 'metrics'], { input: full(), encoding: 'utf8' });
  expect([metrics.stdout + metrics.stderr, metrics.status]).toEqual(['', 0]);
  const path = resolve(DEPLOY, 'alerts.yml');
  const rules = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });
  expect(rules.status, rules.stdout + rules.stderr).toBe(0);
  const tests = spawnSync('promtool', ['test', 'rules', resolve(DEPLOY, 'alerts.test.yml')], {
    encoding: 'utf8',
  });
  expect(tests.status, tests.stdout + tests.stderr).toBe(0);
});

it.each(['alerts.yml', 'grafana.json'])('%s asks for what there is', (file) => {
  const known = new Set(full().match(/^tessera_\w+/gm));
  const text = readFileSync(resolve(DEPLOY, file), 'utf8');
  const asked = [...new Set(text.match(/\btessera_\w+/g))];
  expect(asked.length).toBeGreaterThan(5);
  // A query of a histogram names its buckets; checkpoints have an age once there is one.
  const absent = ['tessera_last_checkpoint_age_seconds'];
  expect(asked.filter((name) => !known.has(name) && !absent.includes(name))).toEqual([]);
});
