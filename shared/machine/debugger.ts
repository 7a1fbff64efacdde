/**
 * @file SIGUSR1 never opens Node's debugger, in which any account of the machine could run code. To be imported before
 * all else, by a main module that loads the rest with `import()`: a module of Node runs only when all that it imports
 * is there.
 *
 * Node opens it at SIGUSR1 unless there is a listener. From Node 22.14 on a flag prevents it from the start; a process that
 * people start themselves has no such flag, so a debugger that is open before our first line ends the process.
 */

/** What opens a debugger at the user's own word, or may: `--inspect`, and code of others that runs first. */
const ASKED_FOR = /--inspect|--require|--import|--(?:experimental-)?loader|(?:^|\s)-r\b/;

// Built without a debugger, Node has no such module, and nothing to open.
const inspector = process.features.inspector ? await import('node:inspector') : undefined;

// Other listeners, above all watchShutdown, handle the signal.
process.on('SIGUSR1', (signal) => {
  if (process.listenerCount(signal) === 1) endBy(signal);
});
endIfDebugged();

/** Ends the process by SIGUSR1 if that has opened Node's debugger before we listened. */
export function endIfDebugged(): void {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS']].join(' ');
  if (inspector?.url() !== undefined && !ASKED_FOR.test(flags)) endBy('SIGUSR1');
}

/** Ends the process by a signal, as it would have ended without us. */
function endBy(signal: NodeJS.Signals): void {
  // Without a listener Node gives the signal back to the system; one that has not had any keeps Node's own.
  process.on(signal, () => {}).removeAllListeners(signal);
  process.kill(process.pid, signal);
}
