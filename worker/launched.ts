/**
 * @file A worker process that a launcher has started: `ADDRESS --name=w1 --threads=2`, and what FLAGS has. With `--token` it
 * reads its token from stdin, with `--credentials` the certificate of the authority too. It delivers what it has and ends at the next line on stdin; it ends when stdin closes.
 */
import { parseArgs } from 'node:util';
import type { EngineRequest } from '../shared/compute/engines/options.ts';
import { systemClock } from '../shared/core/clock.ts';
import { ERROR_CODES, exitCodeOf, TesseraError } from '../shared/core/errors.ts';
import { clientSecurity } from '../shared/exchange/grpc/security.ts';
import { createLog } from '../shared/machine/log.ts';
import { runProcess } from '../shared/machine/run-process.ts';
import { WARNING_SIGNALS } from '../shared/machine/shutdown.ts';
import { LogRing } from './core/log-ring.ts';
import { readCredentials } from './parent/credentials.ts';
import { takeEarlierEnd } from './parent/earlier-end.ts';
import { sendToParent } from './parent/last-error.ts';
import type { WorkerChoice } from './prepare.ts';
import { startWorker } from './start.ts';

const FLAGS = {
  name: { type: 'string', default: '' },
  threads: { type: 'string' },
  engine: { type: 'string' },
  provider: { type: 'string' },
  devices: { type: 'string' },
  decoders: { type: 'string' },
  'data-path': { type: 'string' },
  'reconnect-ms': { type: 'string' },
  certs: { type: 'string' },
  ca: { type: 'string' },
  token: { type: 'boolean', default: false },
  credentials: { type: 'boolean', default: false },
  /** Its parent prints the error that ends it. */
  quiet: { type: 'boolean', default: false },
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
      const words = args.includes('--quiet') ? '' : `error: ${error.sentence}\n${hint}`;
      process.stderr.write(`${words}${stack}`);
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
  const { name, certs, ca, insecure, verbose } = values;
  // Before anything else reads stdin: secrets come by it.
  const security = values.credentials
    ? await readCredentials(process.stdin)
    : await clientSecurity({ certs, ca, ...(values.token && { tokenFile: '-' }) }, (sentence) =>
        process.stderr.write(`⚠ ${sentence}\n`),
      );
  const parent = obeyParent();
  const ring = new LogRing();
  const earlier = takeEarlierEnd();
  if (earlier !== undefined) ring.add('fatal', earlier, systemClock.nowMs());
  try {
    await startWorker({
      address: positionals[0] ?? '',
      name,
      choice: choiceOf(values),
      ...(values['reconnect-ms'] !== undefined && { reconnectMs: Number(values['reconnect-ms']) }),
      log: createLog({
        component: 'worker',
        level: verbose ? 'debug' : 'info',
        also: (line) => ring.record(line, systemClock.nowMs()),
      }),
      ring,
      security,
      insecure,
      signal: parent.signal,
    });
  } finally {
    parent.dispose();
  }
}

/** What its launcher chose in place of the run's config; the launcher has checked it. */
function choiceOf(
  values: {
    readonly [name in
      | 'threads'
      | 'engine'
      | 'provider'
      | 'devices'
      | 'decoders'
      | 'data-path']?: string;
  },
): WorkerChoice {
  const { threads, engine, provider, devices, decoders, 'data-path': dataPath } = values;
  return {
    ...(threads !== undefined && { threads: threads === 'auto' ? threads : Number(threads) }),
    ...(engine !== undefined && { engine: engine as EngineRequest['engine'] }),
    ...(provider !== undefined && { provider: provider as EngineRequest['provider'] }),
    ...(devices !== undefined && { devices: devices.split(',').map(Number) }),
    ...(decoders !== undefined && { decoders: decoders === 'auto' ? decoders : Number(decoders) }),
    ...(dataPath !== undefined && { dataPath }),
  };
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
  process.stdin.on('data', onWarning).once('end', leave).once('error', leave).resume();
  return {
    signal: stop.signal,
    dispose() {
      for (const [name, listener] of listeners) process.off(name, listener);
      process.stdin.off('data', onWarning).off('end', leave).off('error', leave).destroy();
    },
  };
}
