/**
 * @file A worker process that a launcher has started: `ADDRESS --name w1 --threads 2 [--devices 0,1] [--ca FILE] [--insecure] [--verbose]`.
 * With `--ca` it reads its token from stdin. It ends when stdin closes.
 */
import { parseArgs } from 'node:util';
import { ERROR_CODES, exitCodeOf, TesseraError } from '../shared/core/errors.ts';
import { clientSecurity } from '../shared/exchange/grpc/security.ts';
import { createLog } from '../shared/machine/log.ts';
import { runProcess } from '../shared/machine/run-process.ts';
import { WARNING_SIGNALS } from '../shared/machine/shutdown.ts';
import { sendToParent } from './last-error.ts';
import { startWorker } from './start.ts';

const FLAGS = {
  name: { type: 'string', default: '' },
  threads: { type: 'string' },
  devices: { type: 'string' },
  ca: { type: 'string' },
  insecure: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
} as const;

/** Works for the run of the arguments until it is over, and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  // The log file may be on a full disk; its launcher reads the error from a pipe.
  process.stderr.on('error', () => {});
  await runProcess(async () => {
    try {
      await work(args);
      return 0;
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      // The parent may know of this worker by nothing else: it need not have joined.
      sendToParent(error);
      const hint = error.hint === undefined ? '' : `  hint: ${error.hint}\n`;
      const stack = args.includes('--verbose') ? `${error.stack}\n` : '';
      process.stderr.write(`error: ${error.sentence}\n${hint}${stack}`);
      return exitCodeOf(error);
    }
  });
}

async function work(args: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: FLAGS,
    allowPositionals: true,
  });
  const { name, threads, devices, ca, insecure, verbose } = values;
  // Before anything else reads stdin: the token comes by it.
  const token = ca === undefined ? {} : { ca, tokenFile: '-' };
  const security = await clientSecurity(token, () => {});
  const parent = obeyParent();
  try {
    await startWorker({
      address: positionals[0] ?? '',
      name,
      choice: {
        ...(threads !== undefined && { threads: Number(threads) }),
        ...(devices !== undefined && { devices: devices.split(',').map(Number) }),
      },
      log: createLog({ component: 'worker', level: verbose ? 'debug' : 'info' }),
      security,
      insecure,
      signal: parent.signal,
    });
  } finally {
    parent.dispose();
  }
}

/** What a terminal sends to all processes that it runs. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGHUP'] as const;

/**
 * The worker ends with its parent: however the parent goes, its end of our stdin closes.
 *
 * Ctrl-C and Ctrl-\ in a terminal, and its end, reach parent and child alike; the parent decides, so the child does not
 * listen. SIGTERM and schedulers' signals let it go as any worker does: they may be for it alone, and if for all, then
 * nothing is lost by it.
 */
function obeyParent(): { readonly signal: AbortSignal; dispose(): void } {
  const stop = new AbortController();
  const ignore = () => {};
  const leave = () => process.exit(ERROR_CODES.CANCELLED.exit);
  const onTerm = () => (stop.signal.aborted ? leave() : stop.abort());
  const onWarning = () => stop.abort();
  const listeners = [
    ...TERMINAL_SIGNALS.map((name) => [name, ignore] as const),
    ...WARNING_SIGNALS.map((name) => [name, onWarning] as const),
    ['SIGTERM', onTerm] as const,
  ];
  for (const [name, listener] of listeners) process.on(name, listener);
  process.stdin.once('end', leave).once('error', leave).resume();
  return {
    signal: stop.signal,
    dispose() {
      for (const [name, listener] of listeners) process.off(name, listener);
      process.stdin.off('end', leave).off('error', leave).destroy();
    },
  };
}
