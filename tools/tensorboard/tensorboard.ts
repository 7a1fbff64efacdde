/** @file An observer that writes a run for TensorBoard, as `events.out.tfevents.*` in its folder. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { TensorBoardExtent } from '../../shared/config/observe.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { availableThreads } from '../../shared/machine/devices.ts';
import type { TimedEvent } from '../../shared/runs/events.ts';
import { Gathered } from '../../shared/runs/later/gathered.ts';
import { SoonWriter } from '../../shared/runs/later/soon-writer.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import { type LookProgram, startLook } from '../look/process.ts';
import { EventsFile, type EventsSink, newEventsFile } from './events-file.ts';
import { codeBlock, figuresOf, settingsOf } from './figures.ts';
import { LookBudget } from './look-budget.ts';
import { Looks } from './looks.ts';
import { startRecord, summaryRecord, versionRecord } from './records.ts';
import { hyperParameters, markdown, type RunEnding, runEnded, scalar } from './values.ts';

/** What is written, and where. */
export interface TensorBoardOptions {
  readonly runFolder: string;
  readonly extent: Exclude<TensorBoardExtent, 'off'>;
  readonly config: RunConfig;
  /** The config as people write it. */
  readonly configText: string;
  /** Where the bytes go, if not into the next file of the run folder. */
  readonly opened?: () => Promise<EventsSink>;
}

/** Steps are written together: longer than that they do not wait. */
const STEPS_MS = 1000;
/** The end of a run waits for so long for histograms and images of its last checkpoint. */
const LAST_LOOK_MS = 20_000;
const LOOK: LookProgram = {
  script: new URL('./look-main.js', import.meta.url),
  niceness: 19,
  failed(_job, reason) {
    const sentence = `histograms and images for TensorBoard were not made: ${reason}`;
    return new TesseraError('INTERNAL', sentence, {
      hint: 'leave them out with --tensorboard figures',
    });
  },
};
/** How a run ends that a person stops. */
const STOPPED: ReadonlySet<string | undefined> = new Set(['CANCELLED', 'INTERRUPTED']);

/** Writes a run for TensorBoard. Nothing is written before there is a figure. */
export class TensorBoard implements RunObserver {
  readonly name = 'TensorBoard';
  readonly #options: TensorBoardOptions;
  readonly #file: EventsFile;
  readonly #lately = new Gathered<TimedEvent>((event) => this.#take(event));
  readonly #writer = new SoonWriter(STEPS_MS, async () => this.#takeSteps());
  readonly #looks: Looks | undefined;
  #began: Extract<TimedEvent, { type: 'data' }> | undefined;
  #hasBegun = false;
  #isWell = false;
  #fault: TesseraError | undefined;

  constructor(options: TensorBoardOptions) {
    this.#options = options;
    const { runFolder, extent } = options;
    this.#file = new EventsFile(options.opened ?? (() => newEventsFile(runFolder)));
    this.#looks = extent === 'all' ? this.#makeLooks() : undefined;
  }

  /** Throws  what went wrong behind it, which is said once. */
  event(event: TimedEvent): void {
    this.#lately.add(event);
    if (event.type !== 'step') this.#lately.takeAll();
    else this.#writer.soon();
    const fault = this.#fault ?? this.#file.error;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
  }

  /** Throws  CANNOT_WRITE when records are lost. */
  async close(): Promise<void> {
    await this.#writer.now();
    const timer = setTimeout(() => this.#looks?.end(), LAST_LOOK_MS);
    await this.#looks?.close(this.#isWell);
    clearTimeout(timer);
    if (this.#hasBegun) await this.#file.close();
    if (this.#fault !== undefined) throw this.#fault;
  }

  #takeSteps(): void {
    try {
      this.#lately.takeAll();
    } catch (thrown) {
      this.#fault ??= TesseraError.from(thrown);
    }
  }

  #take(event: TimedEvent): void {
    const wallSeconds = Date.parse(event.time) / 1000;
    if (event.type === 'data') this.#began = event;
    const figures = figuresOf(event);
    if (figures !== undefined) {
      this.#begin();
      const values = figures.values.map(([tag, value]) => scalar(tag, value));
      this.#file.add(summaryRecord({ step: figures.step, wallSeconds }, values));
    }
    if (event.type === 'checkpoint') {
      const { folder, step } = event;
      this.#looks?.saved({ folder, step });
    }
    if (event.type === 'phase' && (event.phase === 'done' || event.phase === 'failed')) {
      this.#end(event, wallSeconds);
    }
  }

  /** Writes what comes first: which steps of earlier files do not count any more, and what the run is. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const began = this.#began;
    const wallSeconds = began === undefined ? Date.now() / 1000 : Date.parse(began.time) / 1000;
    const version = began?.begins?.version ?? 0;
    const { runFolder, config, configText } = this.#options;
    const file = this.#file;
    file.add(versionRecord({ wallSeconds }));
    file.add(startRecord({ step: version === 0 ? 0 : version + 1, wallSeconds }));
    const group = basename(runFolder);
    const settings = hyperParameters(settingsOf(config), { group, wallSeconds });
    file.add(summaryRecord({ step: 0, wallSeconds }, [settings]));
    const texts = [markdown('config', codeBlock(configText))];
    if (began !== undefined) texts.push(markdown('data', began.sentence));
    file.add(summaryRecord({ step: version, wallSeconds }, texts));
  }

  #end(event: Extract<TimedEvent, { type: 'phase' }>, wallSeconds: number): void {
    this.#isWell = event.phase === 'done';
    if (!this.#hasBegun) return;
    const bad: RunEnding = STOPPED.has(event.code) ? 'unknown' : 'failure';
    const ended = runEnded(this.#isWell ? 'success' : bad, wallSeconds);
    this.#file.add(summaryRecord({ step: 0, wallSeconds }, [ended]));
  }

  #makeLooks(): Looks {
    const startedMs = performance.now();
    return new Looks({
      budget: new LookBudget(availableThreads()),
      begin: (job, isLast) => startLook(LOOK, job, isLast),
      isThere: existsSync,
      found: (records) => {
        this.#begin();
        this.#file.add(records);
      },
      fault: (error) => {
        this.#fault ??= error;
      },
      runSeconds: () => (performance.now() - startedMs) / 1000,
    });
  }
}
