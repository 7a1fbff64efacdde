/** @file What `train` and `coordinator` have in common: start a run, show it, end it, sum it up. */

import { AUTO } from '../../launch/begin/run-place.ts';
import type { LaunchNotice } from '../../launch/launcher.ts';
import { type Fleet, type Run, startTraining } from '../../launch/train.ts';
import type { LoadedConfig } from '../../shared/config/load.ts';
import type { TesseraError } from '../../shared/core/errors.ts';
import type { FoundSource } from '../../shared/data/found.ts';
import { VERSION } from '../../shared/machine/version.ts';
import type { RunResult } from '../../shared/runs/events.ts';
import { configLoader } from '../folder/load.ts';
import { foundJson, foundLines } from '../inputs/found-lines.ts';
import { inputLines, withInputs } from '../inputs/inputs.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { readableLogLine } from '../terminal/log-lines.ts';
import { paint, pointer, printJson, say } from '../terminal/output.ts';
import { createDisplay, type Display } from './display.ts';
import { type Interruptions, watchInterruptions } from './interruptions.ts';
import { RunPage } from './page.ts';
import { restoredFromMirror } from './restore.ts';
import { type RunOrigin, resumeFolder, runOrigin, withOtherFolder } from './resume.ts';
import { type KeptFlags, resumeCommand, summary, withWayOn } from './run-end.ts';
import { type SettingFlags, settingsOf } from './settings.ts';
import { terminalNotices } from './terminal-notices.ts';

/** Flags of `train` and `coordinator`. */
export interface RunOptions extends KeptFlags, SettingFlags {
  /** Name of a preset or path of a file; a resumed run has its own. */
  readonly config?: string;
  readonly runFolder?: string;
  /** True without a folder: the newest run, of the config's name where one is given; or auto. */
  readonly resume?: string | true;
  /** Milliseconds from the start of the process. */
  readonly timeLimit?: number;
  /** Epochs of a new run that continues the resumed one. */
  readonly moreEpochs?: number;
  /** Download what the config names and this machine has not. */
  readonly yes?: true;
  /** Notify by the terminal. */
  readonly notify?: true;
  /** HOST:PORT of the page; false for none. */
  readonly page?: string | false;
  readonly json?: true;
  readonly verbose?: true;
}

/** Makes what computes for a run, with what shows a line of a host. */
type FleetOf = (line: (text: string) => void) => Fleet;

/** How a command takes part in the run it started. */
export interface RunPart {
  readonly command: 'train' | 'coordinator' | 'up' | 'launch ssh';
  /** Whether workers join from elsewhere, beside those of this machine. */
  readonly isShared?: boolean;
  /** Lines of the banner beside those that every run has. */
  banner(run: Run): readonly string[];
  /** Hosts that compute in place of this machine. */
  readonly fleet?: FleetOf;
  /** The line that continues the run, where it is not one of `train` or `coordinator`. */
  readonly again?: (run: Run) => string;
  /** Called once the run can be joined. */
  started?(run: Run): Promise<void>;
}

const SIGNS: Readonly<Record<LaunchNotice['level'], string>> = {
  info: '',
  warn: '⚠ ',
  error: '✖ ',
};

/** Runs a run to its end. Throws  the reason when it ends badly, CANCELLED after Ctrl-C, INTERRUPTED after a scheduler's signal. */
export async function driveRun(options: RunOptions, part: RunPart): Promise<void> {
  const startedMs = performance.now();
  const display = createDisplay();
  const ends = watchInterruptions((sentence) => display.line(sentence), options.timeLimit);
  const { signal } = ends;
  const page = new RunPage(options, (text) => display.line(text));
  try {
    page.check();
    const said = new Set<string>();
    const loader = (from: RunOrigin) =>
      configLoader(from.config, {
        ...{ ...options, ...settingsOf(options), signal, isKept: from.isKept },
        say: (line) => {
          said.add(line);
          display.line(line);
        },
      });
    let origin = await runOrigin(options);
    let load = await loader(origin);
    if (await restoredFromMirror(options, load, { signal, line: (text) => display.line(text) })) {
      origin = await runOrigin(options);
      load = await loader(origin);
    }
    const loaded = await withInputs(load, { ...options, isKept: origin.isKept }, signal);
    const resume = await resumeFolder(options, origin, loaded);
    const run = await started({ ...options, resume }, part, { loaded, ends, display, page });
    const begins = options.resume === undefined ? undefined : beginningOf(run, origin);
    const lines = [
      // A folder's warnings have been shown with its plan.
      ...banner(run, begins, performance.now() - startedMs).filter((line) => !said.has(line)),
      ...(await page.begin(run, loaded.origins)).map((url) => pointer('page', url)),
      ...inputLines(loaded.inputs),
      ...(run.isDone ? [''] : part.banner(run)),
    ];
    for (const line of lines) display.line(line);
    display.attach(() => run.status());
    const result = await run.result.catch((error: TesseraError) => {
      throw withWayOn(error, wayOn(part, options, run));
    });
    display.close();
    report(result, options, run.data);
  } catch (thrown) {
    display.close();
    throw options.resume === AUTO ? withOtherFolder(thrown) : thrown;
  } finally {
    ends.dispose();
    await page.close();
  }
}

/** Starts a run that is shown and can be interrupted; resolves once it can be joined. Throws  as `startTraining` does. */
async function started(
  options: Omit<RunOptions, 'resume'> & { readonly resume: string | undefined },
  part: RunPart,
  given: {
    readonly loaded: LoadedConfig;
    readonly ends: Interruptions;
    readonly display: Display;
    readonly page: RunPage;
  },
): Promise<Run> {
  const { loaded, ends, display, page } = given;
  const run = await startTraining(loaded, {
    ...options,
    isRemote: part.command === 'coordinator',
    isShared: part.isShared ?? false,
    fleet: part.fleet?.((line) => display.line(line)),
    signal: ends.signal,
    log: {
      level: options.verbose ? 'debug' : 'warn',
      write: (line) => {
        page.log(line);
        display.line(readableLogLine(line));
      },
    },
    onNotice: ({ level, text }) => {
      for (const line of text.split('\n')) display.line(`${SIGNS[level]}${line}`);
    },
    // The terminal shows log lines too, and is closed after the last of them.
    observers: [
      { name: 'terminal', event: (event) => display.event(event) },
      ends.observer,
      ...(options.notify ? terminalNotices(loaded.config.observe, process.stderr) : []),
      ...page.observers,
    ],
  });
  ends.sized(run.numParameters);
  await part.started?.(run).catch(async (error: unknown) => {
    await run.stop();
    throw error;
  });
  return run;
}

/** What to type to continue a run that has ended early. */
function wayOn({ command, again: line }: RunPart, options: RunOptions, run: Run): string {
  if (options.resume === AUTO) return 'the same line again continues it';
  if (line !== undefined) return `resume with: ${line(run)}`;
  const again = command === 'coordinator' ? command : 'train';
  return `resume with: ${resumeCommand(again, options, run)}`;
}

/** Where a run begins that may be resumed. */
function beginningOf({ resumed, isDone }: Run, { resume, continues }: RunOrigin): string {
  if (isDone) return 'nothing: this run is done already';
  if (resumed !== undefined) {
    return `from step ${resumed.step}${continues === undefined ? '' : ` of ${continues}`}`;
  }
  return `from the beginning: ${resume === undefined ? 'there is no run in this folder yet' : 'nothing was saved yet'}`;
}

function banner(run: Run, begins: string | undefined, readyMs: number): readonly string[] {
  const { weightsNotes } = run;
  const name = paint('bold', paint('green', `tessera ${VERSION}`));
  return [
    '',
    `  ${name}  ${paint('dim', `ready in ${Math.round(readyMs)} ms`)}`,
    '',
    pointer('coordinator', run.address),
    pointer('run folder', run.runFolder),
    ...weightsNotes.map((note) => pointer('weights', note)),
    ...foundLines(run.data).map((line, at) => (at === 0 ? pointer('data set', line) : line)),
    ...(begins === undefined ? [] : [pointer('resumes', begins)]),
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
