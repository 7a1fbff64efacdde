import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../../shared/core/errno.ts';
import { exitCodeOf, TesseraError } from '../../../../shared/core/errors.ts';
import {
  availableThreads,
  countGpuNodes,
  findDevices,
  parseGpuList,
} from '../../../../shared/machine/devices.ts';
import { createLog, type LogLevel } from '../../../../shared/machine/log.ts';
import { askToStop, watchShutdown } from '../../../../shared/machine/shutdown.ts';

/** A log and the lines that it wrote, parsed. */
function logged(level?: LogLevel) {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const settings = { component: 'worker', destination };
  return { log: createLog(level === undefined ? settings : { ...settings, level }), lines };
}

describe('a log', () => {
  it('writes a line with its component, the fields and the phrase', () => {
    const { log, lines } = logged();
    log.info({ step: 3, lossMean: 0.5 }, 'step committed');
    expect(lines).toEqual([
      expect.objectContaining({
        ...{ level: 30, component: 'worker', step: 3, lossMean: 0.5, msg: 'step committed' },
      }),
    ]);
  });

  it('writes info and above, unless told otherwise, and nothing when off', () => {
    for (const [level, expected] of [
      [undefined, 1],
      ['debug', 2],
      ['off', 0],
    ] as const) {
      const { log, lines } = logged(level);
      log.debug('fine');
      log.info('coarse');
      expect(lines).toHaveLength(expected);
    }
  });

  it('keeps secrets to itself, and shows the code of an error', () => {
    const { log, lines } = logged();
    const err = new TesseraError('TIMEOUT', 'slow', { hint: 'wait' });
    log.warn({ token: 'hush', welcome: { session: 'hush' }, err }, 'late');
    expect(JSON.stringify(lines)).not.toContain('hush');
    expect(lines[0]).toMatchObject({ err: { code: 'TIMEOUT', hint: 'wait' } });
  });
});

describe('a request to stop', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGQUIT'] as const)(
    'by %s is graceful once, then immediate',
    (name) => {
      const said: string[] = [];
      const exits: number[] = [];
      const watch = watchShutdown({
        announce: (sentence) => said.push(sentence),
        exit: (code) => exits.push(code),
      });
      expect(watch.signal.aborted).toBe(false);
      process.emit(name, name);
      expect(watch.signal.reason).toMatchObject({ code: 'CANCELLED' });
      expect([said.length, exits]).toEqual([1, []]);
      process.emit(name, name);
      expect([said.length, exits]).toEqual([1, [130]]);
      watch.dispose();
      expect(process.listenerCount(name)).toBe(0);
    },
  );
});

describe('a process that can be started again', () => {
  it.each([
    ['SIGINT', 'CANCELLED', 130],
    ['SIGQUIT', 'CANCELLED', 130],
    ['SIGTERM', 'INTERRUPTED', 75],
    ['SIGUSR1', 'INTERRUPTED', 75],
    ['SIGUSR2', 'INTERRUPTED', 75],
    ['SIGXCPU', 'INTERRUPTED', 75],
  ] as const)('ends by %s with %s, %i', (name, code, exitCode) => {
    const exits: number[] = [];
    const exit = (exitedWith: number) => exits.push(exitedWith);
    const watch = watchShutdown({ announce: () => {}, exit, isRepeatable: true });
    process.emit(name, name);
    const { reason } = watch.signal;
    expect(reason).toMatchObject({ code });
    expect(exitCodeOf(reason)).toBe(exitCode);
    for (const _ of [1, 2]) process.emit('SIGINT', 'SIGINT');
    expect(exits.at(-1)).toBe(130);
    watch.dispose();
  });
});

describe('causes that are not requests', () => {
  it.each([
    ['SIGHUP', 'stopped: SIGHUP: the terminal is gone'],
    ['EPIPE', 'stopped: the reader of the output is gone'],
    ['SIGUSR1', 'stopped by SIGUSR1'],
    ['SIGUSR2', 'stopped by SIGUSR2'],
    ['SIGXCPU', 'stopped by SIGXCPU'],
  ] as const)(
    '%s is graceful, however often it comes, and before a request too',
    (cause, sentence) => {
      const exits: number[] = [];
      const exit = (code: number) => exits.push(code);
      const watch = watchShutdown({ announce: () => {}, exit, hasTerminal: true });
      for (const _ of [1, 2, 3]) {
        if (cause === 'EPIPE') expect(askToStop(cause)).toBe(true);
        else process.emit(cause, cause);
      }
      process.emit('SIGTERM', 'SIGTERM');
      expect(watch.signal.reason).toMatchObject({ code: 'CANCELLED', sentence });
      expect(exits).toEqual([]);
      process.emit('SIGTERM', 'SIGTERM');
      expect(exits).toEqual([130]);
      watch.dispose();
      expect(askToStop('EPIPE')).toBe(false);
    },
  );

  it('SIGHUP is ignored without a terminal, as nohup wants it', () => {
    const watch = watchShutdown({ announce: () => {}, hasTerminal: false });
    process.emit('SIGHUP', 'SIGHUP');
    expect(process.listenerCount('SIGHUP')).toBe(1);
    expect(watch.signal.aborted).toBe(false);
    watch.dispose();
    expect(process.listenerCount('SIGHUP')).toBe(0);
  });
});

describe('the reason of a failed system call', () => {
  it('comes without its code and its path', async () => {
    const error = await readFile('/nowhere/at all').catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe('no such file or folder');
    expect(reasonOf(new Error('EH: what, open'))).toBe('EH: what, open');
    expect(reasonOf('broken')).toBe('broken');
  });
});

describe('the devices', () => {
  it('are at least one thread, and a list of GPUs', async () => {
    const { numThreads, gpus } = await findDevices();
    expect(numThreads).toBe(availableThreads());
    expect(numThreads).toBeGreaterThanOrEqual(1);
    expect(Array.isArray(gpus)).toBe(true);
  });

  it('are counted and named as nvidia-smi does', () => {
    expect(countGpuNodes(['nvidia0', 'nvidia11', 'nvidiactl', 'nvidia-uvm', 'null'])).toBe(2);
    const output = 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: Tesla T4 (UUID: GPU-2)\n';
    expect(parseGpuList(output)).toEqual(['NVIDIA H100 80GB HBM3', 'Tesla T4']);
    expect(parseGpuList('No devices found.\n')).toEqual([]);
  });
});
