/** @file `tessera engines test`: whether an engine computes what it should on this machine, and how fast. */
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';
import { ENGINES, type EngineId } from '../../shared/compute/engines/registry.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearest } from '../../shared/core/nearest.ts';
import { median } from '../../shared/core/numbers.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { rivalOf } from '../../tools/engines/list.ts';
import { type EngineReport, testEngine } from '../../tools/engines/test/test.ts';
import { print, printJson, say } from '../terminal/output.ts';

/** Flags of the command. */
export interface EnginesTestOptions {
  readonly name: string;
  readonly quick?: true;
  readonly json?: true;
}

/**
 * Tests an engine.
 *
 * Throws  USAGE for an unknown name; ENGINE_UNAVAILABLE when it does not run, or its numbers or bits are wrong.
 */
export async function runEnginesTest({ name, quick, json }: EnginesTestOptions): Promise<void> {
  const id = await engineNamed(name);
  const { numThreads } = await findDevices();
  const shutdown = watchShutdown({ announce: say });
  try {
    const report = await testEngine({
      id,
      threads: numThreads,
      isQuick: quick === true,
      signal: shutdown.signal,
      say: (line) => say(`testing: ${line}`),
    });
    if (json) printJson(reportJson(name, report));
    else print(reportLines(report));
    if (report.isRight) return;
    throw new TesseraError('ENGINE_UNAVAILABLE', `${name} computes wrong numbers on this machine`, {
      hint: 'do not train with it; update its driver, or add another version',
    });
  } finally {
    shutdown.dispose();
  }
}

/** The engine of an installed name, or of the registry. */
async function engineNamed(name: string): Promise<EngineId> {
  const installed = await installedEngines(enginesFolder(process.env));
  const wanted = installed.find((engine) => engine.name === name)?.engine ?? name;
  const found = ENGINES.find(({ id }) => id === wanted);
  const rival = found && wanted !== name ? await rivalOf(name, found.id) : undefined;
  if (rival !== undefined) {
    const { reason, hint } = rival;
    throw new TesseraError('ENGINE_UNAVAILABLE', `${name} is not tested: ${reason}`, { hint });
  }
  if (found !== undefined) return found.id;
  const names = [...installed.map((engine) => engine.name), ...ENGINES.map(({ id }) => id)];
  const near = nearest(name, names);
  throw new TesseraError('USAGE', `no engine ${name} is installed`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}these can be tested: ${[...new Set(names)].join(', ')}`,
  });
}

/** A report for people. */
export function reportLines(report: EngineReport): readonly string[] {
  const { description, slots, deviceKind, parity, bits, speed } = report;
  const mark = (isRight: boolean) => (isRight ? '✔' : '✖');
  const digits = (value: number) => value.toExponential(1);
  return [
    `${description}${deviceKind === undefined ? '' : ` (${slots} x ${deviceKind})`}`,
    ...parity.map(
      ({ precision, gradientError, lossError, worst, bar, isRight }) =>
        `${mark(isRight)} ${precision}: gradients ${digits(gradientError)} from the oracle's (at most ${digits(bar)}), ` +
        `loss ${digits(lossError)}, worst tensor ${worst.name} ${digits(worst.error)}`,
    ),
    ...bits.map(
      ({ precision, processes, devices, sha256 }) =>
        `${mark(processes && devices !== false)} ${precision}: ${processes ? 'same' : 'DIFFERENT'} bits in two processes` +
        `${devices === undefined ? ', one device' : `, ${devices ? 'same' : 'DIFFERENT'} on one device and on ${slots}`}` +
        `; sha256 ${sha256.slice(0, 16)}`,
    ),
    ...(speed === undefined ? [] : speedLines(speed)),
  ];
}

function speedLines(speed: NonNullable<EngineReport['speed']>): readonly string[] {
  const ms = median(speed.leafMs);
  const { images, precision, compileMs, devices, hostBytes } = speed;
  const peak = devices?.bytesPeak;
  return [
    `  ViT-Ti/16, 224 px, ${precision}: ${ms.toFixed(1)} ms for a leaf of ${images}, ${((1000 * images) / ms).toFixed(1)} images/s on one device`,
    `  first leaf after ${(compileMs / 1000).toFixed(1)} s, with compilation`,
    `  memory: ${formatBytes(hostBytes)} of the process${peak === undefined ? '' : `, ${formatBytes(peak)} of the devices at most`}`,
  ];
}

function reportJson(name: string, { speed, isRight, ...report }: EngineReport) {
  const timed = speed === undefined ? null : { ...speed, leafMsMedian: median(speed.leafMs) };
  return { schema: 'engines-test/1' as const, name, isRight, ...report, speed: timed };
}
