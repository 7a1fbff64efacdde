/** @file A process that looks at one checkpoint and sends what it found as records; started by `look-process.ts`. */
import '../../shared/machine/debugger.ts';
import { writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { LookReport } from './look-process.ts';
import type { LookJob } from './looks.ts';

// Where there is no `nice`, this thread at least; threads that come later are like it.
if (process.argv[3] === 'low') setPriority(19);
// The parent decides when it ends: Ctrl-C reaches the whole group.
process.on('SIGINT', () => {});
process.stdin.on('end', () => process.exit(0)).resume();

const { RECORDS_FD } = await import('./look-process.ts');
const { TesseraError } = await import('../../shared/core/errors.ts');

function send(records: Uint8Array): void {
  for (let at = 0; at < records.length; ) {
    at += writeSync(RECORDS_FD, records, at, records.length - at);
  }
}

async function main(): Promise<LookReport> {
  const lacks: string[] = [];
  try {
    const job = JSON.parse(process.argv[2] ?? '{}') as LookJob;
    const { look } = await (job.for === 'page' ? import('../board/look.ts') : import('./look.ts'));
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

process.stdout.write(`\n${JSON.stringify(await main())}\n`, () => process.exit(0));
