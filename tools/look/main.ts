/** @file The process of a look: it reads what is asked for, looks, and sends what it found; started by `process.ts`. */
import '../../shared/machine/debugger.ts';
import { writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { LookJob, LookTaker } from './job.ts';
import type { LookReport } from './process.ts';

/** Looks at a checkpoint. */
type LookFunction = (job: LookJob, taker: LookTaker) => Promise<void>;

/** Runs this process; `load` gets what looks once the priority is set. */
export async function runLook(load: () => Promise<{ readonly look: LookFunction }>) {
  // Where there is no `nice`, this thread at least; threads that come later are like it.
  if (process.argv[3] === 'low') setPriority(19);
  // The parent decides when it ends: Ctrl-C reaches the whole group.
  process.on('SIGINT', () => {});
  process.stdin.on('end', () => process.exit(0)).resume();
  const report = await looked(load);
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () => process.exit(0));
}

async function looked(load: () => Promise<{ readonly look: LookFunction }>): Promise<LookReport> {
  const { RECORDS_FD } = await import('./process.ts');
  const { TesseraError } = await import('../../shared/core/errors.ts');
  const send = (records: Uint8Array) => {
    for (let at = 0; at < records.length; ) {
      at += writeSync(RECORDS_FD, records, at, records.length - at);
    }
  };
  const lacks: string[] = [];
  try {
    const { look } = await load();
    const job = JSON.parse(process.argv[2] ?? '{}') as LookJob;
    await look(job, { send, lack: (sentence) => lacks.push(sentence) });
    return { coreSeconds: coreSeconds(), lacks };
  } catch (thrown) {
    const { sentence } = TesseraError.from(thrown);
    return { coreSeconds: coreSeconds(), lacks, failure: sentence };
  }
}

function coreSeconds(): number {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return (userCPUTime + systemCPUTime) / 1e6;
}
