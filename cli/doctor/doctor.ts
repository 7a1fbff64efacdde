/** @file `tessera doctor`: what this machine is and which engines work on it, ready to paste. */
import { execFile } from 'node:child_process';
import { freemem, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { findEngines } from '../../shared/compute/engines/choose.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { VERSION } from '../../shared/machine/version.ts';
import { print, printJson } from '../terminal/output.ts';
import { type Diagnosis, diagnosisJson, diagnosisLines } from './doctor-view.ts';

const NPM_MS = 10_000;

/** Flags that say something of the way to a coordinator. */
const OF_ADDRESS: readonly string[] = ['certs', 'ca', 'token-file', 'insecure', 'role', 'config'];

/** Flags of `doctor` without an address. */
export interface DoctorOptions {
  readonly json?: true;
  /** Names of the flags that were typed, not those of variables. */
  readonly typed: readonly string[];
}

/** Examines this machine. Throws  USAGE when a flag is for the way to a coordinator, and no address is given. */
export async function runDoctor(options: DoctorOptions): Promise<void> {
  const stray = options.typed.find((flag) => OF_ADDRESS.includes(flag));
  if (stray !== undefined) {
    throw new TesseraError('USAGE', `--${stray} is about a coordinator, and there is no address`, {
      hint: 'give its HOST:PORT: tessera doctor HOST:PORT',
    });
  }
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
