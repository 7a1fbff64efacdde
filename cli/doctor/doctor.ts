/** @file `tessera doctor`: what this machine is and which engines work on it, ready to paste. */
import { execFile } from 'node:child_process';
import { freemem, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findEngines } from '../../shared/compute/engines/choose.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { VERSION } from '../../shared/machine/version.ts';
import { print, printJson } from '../terminal/output.ts';
import { type Diagnosis, diagnosisJson, diagnosisLines } from './doctor-view.ts';

const NPM_MS = 10_000;

/** Examines this machine. */
export async function runDoctor(options: { readonly json?: true }): Promise<void> {
  const { numThreads, gpus } = await findDevices();
  const [engines, npm] = await Promise.all([findEngines(numThreads), npmVersion()]);
  const diagnosis: Diagnosis = {
    tessera: VERSION,
    node: process.version,
    npm,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cores: numThreads,
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    gpus,
    engines,
  };
  if (options.json) printJson(diagnosisJson(diagnosis));
  else print(diagnosisLines(diagnosis));
}

async function npmVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['--version'], { timeout: NPM_MS });
    return stdout.trim();
  } catch {
    return 'not found';
  }
}
