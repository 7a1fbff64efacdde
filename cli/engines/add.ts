/** @file `tessera engines add`: says what an engine takes, asks, downloads and unpacks it, and tries it. */
import { KNOWN_ENGINES, type KnownEngine } from '../../shared/catalog/engines.ts';
import {
  type EngineRecord,
  enginesFolder,
  installedEngines,
} from '../../shared/compute/engines/installed.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearest } from '../../shared/core/nearest.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { userHome } from '../../shared/files/user-cache.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import type { Send } from '../../tools/downloads/http.ts';
import { addEngine, installedAlready } from '../../tools/engines/add.ts';
import { withEnginesLock } from '../../tools/engines/engines-lock.ts';
import { addableNames, tryInstalled } from '../../tools/engines/list.ts';
import { type EnginePlan, planEngine, refuseUnfit } from '../../tools/engines/plan.ts';
import { wheelPlatform } from '../../tools/engines/wheels/platform.ts';
import { indexSettings, pipFiles } from '../../tools/engines/wheels/settings.ts';
import { folderSource, indexSource, type WheelSource } from '../../tools/engines/wheels/source.ts';
import { senderFor } from '../../tools/engines/wheels/web.ts';
import { GetProgress } from '../get/get-progress.ts';
import { isAgreed } from '../terminal/agreement.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

/** Flags of the command. */
export interface EnginesAddOptions {
  readonly name: string;
  readonly from?: string;
  readonly index?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** What the wheels come from, and how. */
interface Supply {
  readonly source: WheelSource;
  readonly send: Send | undefined;
}

/**
 * Adds an engine.
 *
 * Throws  USAGE for an unknown name, or without a terminal to ask on; CANCELLED at a no; RUN_IN_USE while another process
 *         adds or removes; ENGINE_UNAVAILABLE when there is none for this machine; what `addEngine` throws.
 */
export async function runEnginesAdd(options: EnginesAddOptions): Promise<void> {
  const known = knownEngine(options.name);
  const here = wheelPlatform();
  refuseUnfit(known, here);
  const root = enginesFolder(process.env);
  introduce(known);
  const shutdown = watchShutdown({ announce: say });
  const { signal } = shutdown;
  let progress: GetProgress | undefined;
  try {
    const { source, send } = await supplyOf(options, signal);
    const count = known.wheels.length;
    say(`looking for ${count} ${count === 1 ? 'wheel' : 'wheels'} in ${source.title}`);
    const plan = await planEngine(known, { root, source, here, env: process.env });
    const there = await installedAlready(plan, root);
    if (there !== undefined)
      return await conclude(there, { root, json: options.json, there: true });
    showPlan(plan, root, source.folder);
    if (!options.yes) await agree(signal);
    // Not before: it would draw over the question.
    const shown = new GetProgress();
    progress = shown;
    const locking = {
      work: 'engines add',
      signal,
      say: (line: string) => shown.line(line),
    };
    const record = await withEnginesLock(root, locking, () =>
      addEngine(plan, {
        root,
        env: process.env,
        signal,
        ...(send && { send }),
        progress: {
          say: (line) => shown.line(line),
          download: (file, bytes, total) => shown.bytes(file, { bytes, total }),
          unpack: (bytes, total) => shown.bytes('unpacking', { bytes, total }),
        },
      }),
    );
    shown.close();
    await conclude(record, { root, json: options.json, there: false });
  } finally {
    progress?.close();
    shutdown.dispose();
  }
}

function knownEngine(name: string): KnownEngine {
  const found = KNOWN_ENGINES.find((known) => known.name === name);
  if (found !== undefined) return found;
  const names = addableNames();
  const near = nearest(name, names);
  throw new TesseraError('USAGE', `there is no engine ${name} to add`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}these can be added: ${names.join(', ')}`,
  });
}

/** What the user must have or accept: before any connection is opened. */
function introduce({ name, description, license, notices }: KnownEngine): void {
  say(`${name}: ${description}`);
  say(`  license: ${license}`);
  for (const notice of notices) say(`  note: ${notice}`);
}

async function supplyOf({ from, index }: EnginesAddOptions, signal: AbortSignal): Promise<Supply> {
  if (from !== undefined) return { source: folderSource(from), send: undefined };
  const { env } = process;
  const files: string[] = [];
  for (const path of pipFiles(env, userHome(env))) {
    files.push(await readTextFile(path).catch(() => ''));
  }
  const settings = indexSettings(env, files, { index });
  const send = await senderFor(settings, env);
  const onRetry = (reason: string, pauseMs: number) =>
    say(`${reason}; trying again in ${Math.ceil(pauseMs / 1000)} s`);
  return { source: indexSource(settings.indexes, { send, signal, onRetry }), send };
}

function showPlan(plan: EnginePlan, root: string, from: string | undefined): void {
  const { wheels, files, downloadBytes, unpackedBytesAbout, freeBytes } = plan;
  const sizeOf = (bytes: number | undefined) =>
    bytes === undefined ? 'unknown' : formatBytes(bytes);
  const columns = [{ title: 'SIZE', align: 'right' }, { title: 'FILE' }] as const;
  const rows = [...wheels, ...files].map(({ file, bytes }) => [sizeOf(bytes), file]);
  for (const line of formatTable(columns, rows)) say(line);
  if (from === undefined) say(`to download: ${sizeOf(downloadBytes)}`);
  const guess =
    unpackedBytesAbout === undefined ? 'unknown' : `about ${formatBytes(unpackedBytesAbout)}`;
  say(`unpacked: ${guess} (a guess), in ${root}, where ${formatBytes(freeBytes)} are free`);
}

async function agree(signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new TesseraError('USAGE', 'stdin is not a terminal: pass --yes to add without asking', {
      hint: 'add --yes to download and unpack without a question',
    });
  }
  if (await isAgreed('Download and unpack?', signal)) return;
  throw new TesseraError('CANCELLED', 'nothing was added');
}

/** Tries the engine, and says what came of it. */
async function conclude(
  record: EngineRecord,
  {
    root,
    json,
    there,
  }: { readonly root: string; readonly json: true | undefined; readonly there: boolean },
): Promise<void> {
  const { name, engine, version } = record;
  const { numThreads } = await findDevices();
  const { works, reason, hint } = await tryInstalled(record, numThreads);
  if (json) {
    printJson({
      schema: 'engines-add/1',
      name,
      engine,
      version,
      root,
      wasThere: there,
      works,
      reason,
    });
    return;
  }
  print([`${name} ${version} ${there ? 'is there already' : 'is installed'}`]);
  if (works) say(pointer('works', reason));
  else {
    say(`it does not work on this machine: ${reason}`);
    if (hint !== undefined) say(`  ${hint}`);
  }
  // The registry has one engine for both; see `shared/compute/engines/xla.ts`.
  const used = (await installedEngines(root)).findLast((other) => other.engine === engine);
  if (used !== undefined && used.name !== name) {
    say(`note: ${used.name} is installed too, and is the one that runs; remove it to use ${name}`);
  }
}
