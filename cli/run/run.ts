/** @file What `train` and `coordinator` have in common: start a run, show it, end it, sum it up. */

import { type RunningCoordinator, startCoordinator } from '../../coordinator/start.ts';
import type { Launch } from '../../launch/launch.ts';
import type { WorkerCount } from '../../launch/local-run.ts';
import { type LoadedConfig, loadConfig } from '../../shared/config/load.ts';
import { withDeadline } from '../../shared/core/async.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { FoundSource } from '../../shared/data/found.ts';
import { createLog } from '../../shared/machine/log.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { VERSION } from '../../shared/machine/version.ts';
import type { RunResult } from '../../shared/runs/events.ts';
import { newToken } from '../../shared/security/tokens.ts';
import { askedOfCallers } from '../connect/credentials.ts';
import { foundJson, foundLines } from '../inputs/found-lines.ts';
import { inputLines, withInputs } from '../inputs/inputs.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { workersSettings } from '../terminal/flag-values.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { paint, pointer, printJson, say } from '../terminal/output.ts';
import { createDisplay, type Display } from './display.ts';
import { knownAddress, resumeFolder, runOrigin } from './resume.ts';
import { type KeptFlags, resumeCommand, summary, withWayOn } from './run-end.ts';

/** Flags of `train` and `coordinator`. */
export interface RunOptions extends KeptFlags {
  /** Name of a preset or path of a file; a resumed run has its own. */
  readonly config?: string;
  readonly set?: readonly string[];
  readonly workers?: WorkerCount;
  readonly listen?: string;
  readonly runFolder?: string;
  /** True without a folder: the newest run, of the config's name where one is given. */
  readonly resume?: string | true;
  /** Download what the config names and this machine has not. */
  readonly yes?: true;
  readonly json?: true;
  readonly verbose?: true;
}

/** A run that has just been started. */
export interface StartedRun {
  readonly running: RunningCoordinator;
  readonly loaded: LoadedConfig;
  readonly display: Display;
  /** Aborts when the run is to end early. */
  readonly signal: AbortSignal;
  /** A token with which workers of this machine may join, where credentials are asked for. */
  readonly ownToken: string;
  /** The command that resumes this run. */
  readonly resumeCommand: string;
}

/** How a command takes part in the run it started. */
export interface RunPart {
  readonly command: 'train' | 'coordinator';
  /** Lines of the banner beside those that every run has. */
  banner(running: RunningCoordinator): readonly string[];
  /** What would end it badly, before anything is begun. */
  check?(loaded: LoadedConfig): Promise<void>;
  /** Starts workers that belong to this command. */
  launch?(started: StartedRun): Promise<Launch>;
}

/** Longest time for a run that is being ended to write what it must. */
const ENDING_MS = 120_000;

/** Runs a run to its end. Throws  the reason when it ends badly, CANCELLED after Ctrl-C. */
export async function driveRun(options: RunOptions, part: RunPart): Promise<void> {
  const startedMs = performance.now();
  const display = createDisplay();
  const shutdown = watchShutdown({ announce: (sentence) => display.line(sentence) });
  const stop = new AbortController();
  const signal = AbortSignal.any([shutdown.signal, stop.signal]);
  try {
    const origin = await runOrigin(options);
    const set = [
      ...(options.set ?? []),
      ...workersSettings(options.workers),
      ...listenSetting(options),
    ];
    const loaded = await withInputs(() => loadConfig(origin.config, { set }), options, signal);
    await part.check?.(loaded);
    const resume = await resumeFolder(options, origin, loaded);
    const ownToken = newToken();
    const running = await startCoordinator({
      loaded,
      security: await askedOfCallers(options, ownToken),
      certs: options.certs,
      insecure: options.insecure,
      // Its own workers get its address; others use the former one.
      listen: part.command === 'train' ? undefined : await knownAddress(resume, loaded),
      runFolder: options.runFolder,
      resume,
      log: createLog({
        component: 'coordinator',
        level: options.verbose ? 'debug' : 'warn',
        destination: { write: (line) => display.line(readableLogLine(line)) },
      }),
      signal,
      // The terminal shows log lines too, and is closed after the last of them.
      observers: [{ name: 'terminal', event: (event) => display.event(event) }],
    });
    for (const line of banner(running, options, performance.now() - startedMs)) display.line(line);
    for (const line of inputLines(loaded.inputs)) display.line(line);
    for (const line of part.banner(running)) display.line(line);
    display.attach(() => running.status());
    const again = resumeCommand(part.command, options, running);
    const started = { running, loaded, display, signal, ownToken, resumeCommand: again };
    const result = await withWorkers(part, started, stop);
    display.close();
    report(result, options, running.data);
  } catch (thrown) {
    display.close();
    throw thrown;
  } finally {
    shutdown.dispose();
  }
}

/** The address is a setting like any other, so that a resumed run has it from its folder. */
function listenSetting({ listen }: RunOptions): string[] {
  return listen === undefined ? [] : [`cluster.listen=${JSON.stringify(listen)}`];
}

/** Waits for the end of the run; if its workers are lost first, that is the end. */
async function withWorkers(
  part: RunPart,
  started: StartedRun,
  stop: AbortController,
): Promise<RunResult> {
  const { running } = started;
  // It is awaited later; until then its failure must not end the process.
  running.finished.catch(() => {});
  let workers: Launch | undefined;
  let endedWell = false;
  try {
    workers = await part.launch?.(started);
    const result = await Promise.race([running.finished, ...(workers ? [workers.failed] : [])]);
    endedWell = true;
    return result;
  } catch (thrown) {
    const error = TesseraError.from(thrown);
    stop.abort(error);
    // What cannot wait (a checkpoint being written) is finished before the process goes.
    await withDeadline(systemClock, running.finished, ENDING_MS, 'ending the run').catch(() => {});
    throw withWayOn(error, started.resumeCommand);
  } finally {
    await workers?.close(endedWell);
  }
}

function banner(
  running: RunningCoordinator,
  { resume }: RunOptions,
  readyMs: number,
): readonly string[] {
  const { resumed, weightsNotes } = running;
  const beginning =
    resumed === undefined
      ? 'from the beginning: nothing was saved yet'
      : `from step ${resumed.step}`;
  const name = paint('bold', paint('green', `tessera ${VERSION}`));
  return [
    '',
    `  ${name}  ${paint('dim', `ready in ${Math.round(readyMs)} ms`)}`,
    '',
    pointer('coordinator', running.address),
    pointer('run folder', running.runFolder),
    ...weightsNotes.map((note) => pointer('weights', note)),
    ...foundLines(running.data).map((line, at) => (at === 0 ? pointer('data set', line) : line)),
    ...(resume === undefined ? [] : [pointer('resumes', beginning)]),
  ];
}

function report(result: RunResult, options: RunOptions, data: FoundSource): void {
  for (const line of summary(result)) say(line);
  say('');
  say(pointer('next', commandLine(['eval', pathWord(result.runFolder)])));
  say(
    pointer('or', commandLine(['predict', 'IMAGE...', '--checkpoint', pathWord(result.runFolder)])),
  );
  if (options.json) printJson({ schema: 'train/1', data: foundJson(data), ...result });
}
