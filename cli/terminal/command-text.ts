/** @file Lines to type: what a person copies into a shell has to do there what it says. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, delimiter, join, relative, resolve } from 'node:path';
import { shellWord } from '../../shared/core/text.ts';
import { currentFolder } from '../../shared/files/near-path.ts';

/** How this process was started. */
export interface Invocation {
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Path of the program's file, as it was typed or found on the PATH. */
  readonly script: string | undefined;
  readonly node: string;
  readonly folder: string;
}

/** How this very process was started. */
function ownInvocation(): Invocation {
  return {
    env: process.env,
    script: process.argv[1],
    node: process.execPath,
    folder: currentFolder(),
  };
}

/**
 * A line to type: `tessera`, as it was called itself, and its arguments, quoted where a shell asks for it. It works in
 * any shell of POSIX, from the folder that this command was typed in.
 */
export function commandLine(args: readonly string[], invocation = ownInvocation()): string {
  return [programOf(invocation), ...args.map(shellWord)].join(' ');
}

/** A line to type on another machine, where the program has another place. */
export function lineElsewhere(args: readonly string[]): string {
  return ['tessera', ...args.map(shellWord)].join(' ');
}

/** The words that start this program from any folder, also on other machines that have its files at the same place. */
export function programWords({ node, script } = ownInvocation()): readonly string[] {
  return script === undefined ? ['tessera'] : [node, realPath(script)];
}

/** A path that no command takes for a flag; `-` alone is stdin. */
export function pathWord(path: string): string {
  return path.startsWith('-') && path !== '-' ? `./${path}` : path;
}

/** A text with commands in it (`tessera runs list shows ...`), which names them as they are to be typed here. */
export function typable(text: string, invocation = ownInvocation()): string {
  const program = programOf(invocation);
  return text.replace(COMMAND_IN_TEXT, `${program.replaceAll('$', '$$$$')} `);
}

/** `tessera` before one of its commands; not the end of another word, nor of a line that was made for here already. */
const COMMAND_IN_TEXT =
  /(?<![\w/.-])(?<!npx )(?<!run --silent )tessera (?=(?:train|init|find|up|launch|coordinator|worker|stop|certs|status|logs|board|estimate|runs|trace|plot|eval|predict|export|serve|summary|weights|data|doctor|engines|config|completion|man|version|help)\b)/g;

/** What to type for this program. */
function programOf(invocation: Invocation): string {
  const { env, script, node } = invocation;
  const byNpm = programByNpm(invocation);
  if (byNpm !== undefined) return byNpm;
  if (script === undefined || isOnPath('tessera', script, env)) return 'tessera';
  if (basename(script) === 'tessera') return shellWord(script);
  if (!/[\\/]cli[\\/]main\.[jt]s$/.test(script)) return 'tessera';
  return `${isOnPath('node', node, env) ? 'node' : shellWord(node)} ${shellWord(script)}`;
}

/** What to type where npm has started this program; undefined where it has not. */
function programByNpm({ env, script = '', folder }: Invocation): string | undefined {
  const typedIn = env['INIT_CWD'] ?? folder;
  if (env['npm_command'] === 'exec') {
    const named = env['npm_config_package'];
    return named ? `npx --package ${shellWord(named)} tessera` : 'npx tessera';
  }
  if (env['npm_package_name'] === 'tessera-train') {
    const root = env['npm_config_local_prefix'];
    const isBelow = root === undefined || !relative(root, typedIn).startsWith('..');
    return `npm${isBelow ? '' : ` --prefix ${shellWord(root)}`} run --silent tessera --`;
  }
  // A script of another package: npm has put us on its PATH only.
  const isTheirs = env['npm_lifecycle_event'] !== undefined;
  if (!isTheirs || !/[\\/]node_modules[\\/]/.test(script)) return undefined;
  return typedIn === folder ? 'npx tessera' : `cd ${shellWord(folder)} && npx tessera`;
}

/** Whether a shell resolves `name` to this very file. */
function isOnPath(name: string, file: string, env: Readonly<NodeJS.ProcessEnv>): boolean {
  const found = (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);
  return found !== undefined && realPath(found) === realPath(file);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
