/** @file The machine's C++ compiler and Node's headers: found in advance, run with a deadline. */
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';

/** What an addon is compiled with. */
export interface Compiler {
  /** The command. */
  readonly command: string;
  /** The folder that has node_api.h. */
  readonly headers: string;
}

/** Where they are looked for. */
export interface CompilerPlaces {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Node's program; its headers lie beside it. */
  readonly node?: string;
}

const VERSION_MS_MAX = 10_000;
/** Ten seconds on one core; a machine may be busy. */
const COMPILE_MS_MAX = 10 * 60_000;
/** A compiler that fails writes a page for each error. */
const OUTPUT_BYTES_MAX = 16 * 1024 ** 2;

/**
 * Finds a compiler (CXX, else g++, clang++, c++) and Node's headers.
 *
 * Throws  ENGINE_UNAVAILABLE when one is missing, with what to install.
 */
export async function findCompiler({
  env,
  node = process.execPath,
}: CompilerPlaces): Promise<Compiler> {
  const headers = headerFolders(env, node).find((folder) => existsSync(join(folder, 'node_api.h')));
  if (headers === undefined) {
    throw new TesseraError(
      'ENGINE_UNAVAILABLE',
      `the headers of Node.js are not there: ${headerFolders(env, node).join(', ')} without node_api.h`,
      {
        hint: 'install them (Debian: apt-get install libnode-dev), or use Node.js from nodejs.org, which has them; npm_config_nodedir=FOLDER names another place',
      },
    );
  }
  const own = env['CXX'] ?? '';
  const commands = own === '' ? ['g++', 'clang++', 'c++'] : [own];
  for (const command of commands) {
    const ended = await run(command, ['--version'], { env, timeoutMs: VERSION_MS_MAX });
    if (ended.reason === undefined) return { command, headers };
  }
  throw new TesseraError(
    'ENGINE_UNAVAILABLE',
    `there is no C++ compiler here: ${commands.join(', ')} cannot be run`,
    { hint: 'install one (Debian: apt-get install g++), or name it with CXX' },
  );
}

/**
 * Runs the compiler in a folder.
 *
 * Throws  ENGINE_UNAVAILABLE with the compiler's first error when it fails; CANCELLED by the signal.
 */
export async function compile(
  { command }: Compiler,
  args: readonly string[],
  at: {
    readonly cwd: string;
    readonly env: Readonly<NodeJS.ProcessEnv>;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { reason, stderr } = await run(command, args, { ...at, timeoutMs: COMPILE_MS_MAX });
  at.signal?.throwIfAborted();
  if (reason === undefined) return;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const first =
    lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? 'without a message';
  throw new TesseraError('ENGINE_UNAVAILABLE', `${command} ${reason}: ${first.trim()}`, {
    hint: 'choose another compiler with CXX: g++ 9 or clang++ 10 at least',
    details: { stderr: lines.slice(-50).join('\n') },
  });
}

/** Beside Node's program, where npm was pointed to, and where node-gyp keeps what it has fetched. */
function headerFolders(env: Readonly<NodeJS.ProcessEnv>, node: string): string[] {
  const nodedir = env['npm_config_nodedir'] ?? '';
  const prefix = existsSync(node) ? resolve(realpathSync(node), '../..') : resolve(node, '../..');
  const home = env['HOME'] ?? '';
  const kept = join(home, '.cache/node-gyp', process.versions.node);
  const roots = [...(nodedir === '' ? [] : [nodedir]), prefix, ...(home === '' ? [] : [kept])];
  return roots.map((root) => join(root, 'include/node'));
}

/** Runs a command; `reason` says how it failed. Never throws. */
function run(
  command: string,
  args: readonly string[],
  options: {
    readonly env: Readonly<NodeJS.ProcessEnv>;
    readonly timeoutMs: number;
    readonly cwd?: string;
    readonly signal?: AbortSignal;
  },
): Promise<{ readonly reason: string | undefined; readonly stderr: string }> {
  const { timeoutMs, ...rest } = options;
  const how = {
    ...rest,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_BYTES_MAX,
  } as const;
  return new Promise((resolve) => {
    execFile(command, [...args], how, (error, _stdout, stderr) => {
      resolve({ reason: error === null ? undefined : reasonOf(error, timeoutMs), stderr });
    });
  });
}

function reasonOf(
  error: Error & { code?: string | number | null; signal?: string | null; killed?: boolean },
  timeoutMs: number,
): string {
  if (error.killed === true) return `did not end within ${timeoutMs / 1000} s`;
  if (error.signal) return `was ended by ${error.signal} (is there enough memory?)`;
  return typeof error.code === 'number' ? `failed with exit code ${error.code}` : 'cannot be run';
}
