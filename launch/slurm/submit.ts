/** @file Hands a batch script to Slurm's own `sbatch`. */
import { execFile } from 'node:child_process';
import { TesseraError } from '../../shared/core/errors.ts';
import { unbroken } from '../../shared/core/text.ts';

/** A controller that is busy lets sbatch wait, and says so after a while. */
const SBATCH_MS = 120_000;
const OUTPUT_BYTES_MAX = 1024 ** 2;

/** Submits a job; returns its number. Throws  USAGE without sbatch, SYSTEM with what sbatch said. */
export async function submitJob(script: string): Promise<string> {
  const { stdout, stderr } = await sbatch(script);
  // With several clusters its name follows.
  const job = /^(\d+)(?:;.*)?$/m.exec(stdout)?.[1];
  if (job !== undefined) return job;
  throw refused(`${stdout}\n${stderr}`);
}

function sbatch(script: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const how = { timeout: SBATCH_MS, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX } as const;
  return new Promise((resolve, reject) => {
    const child = execFile('sbatch', ['--parsable'], how, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else if (error.code === 'ENOENT') reject(absent());
      else if (error.killed) reject(refused(`it did not reply within ${SBATCH_MS / 1000} s`));
      else reject(refused(stderr || error.message));
    });
    // One that is gone before it has read all says why on stderr.
    child.stdin?.on('error', () => {});
    child.stdin?.end(script);
  });
}

function absent(): TesseraError {
  return new TesseraError(
    'USAGE',
    'there is no sbatch on this machine: Slurm submits jobs with it',
    {
      hint: 'type the line on a login node of the cluster, or print the script here: --print',
    },
  );
}

/** sbatch prefixes each line with its name. */
function refused(text: string): TesseraError {
  const said = unbroken(text.replace(/^sbatch: (?:error: )?/gm, ''));
  return new TesseraError('SYSTEM', `sbatch did not take the job: ${said}`, {
    hint: 'sinfo lists the partitions and their limits; --print shows the script',
  });
}
