/** @file Completion for zsh. Pure. */
import { quotedWord } from '../../shared/core/text.ts';
import { allTyped, type Takes, type TypedCommand, type TypedFlag } from './tree.ts';

const HEAD = `#compdef tessera
# Completion of tessera for zsh. Made by: tessera completion zsh
# For this shell:  eval "$(tessera completion zsh)"   (after compinit)
# For all:         tessera completion zsh > FOLDER/_tessera, where FOLDER is in $fpath

__tessera_runs() {
  local -a runs=(runs/*(N/:t))
  compadd -a runs
}

__tessera_values() {
  local kind=$1
  shift
  (( $# )) && compadd -- "$@"
  [[ $kind == *runs* ]] && __tessera_runs
  [[ $kind == *files* ]] && _files
  [[ $kind == *folders* ]] && _files -/
  return 0
}
`;

const TAIL = `
if [ "$funcstack[1]" = "_tessera" ]; then
  _tessera "$@"
else
  compdef _tessera tessera
fi
`;

/** The script. */
export function zshScript(tree: TypedCommand): string {
  return [HEAD, ...allTyped(tree).map(functionOf), TAIL].join('\n');
}

function nameOf({ path }: TypedCommand): string {
  return ['_tessera', ...path].join('_').replaceAll('-', '_');
}

function functionOf(command: TypedCommand): string {
  const flags = command.flags.map((flag) => `    ${specOf(flag)}`);
  const isGroup = command.commands.length > 0;
  const args = isGroup
    ? [`    '1: :->command'`, `    '*:: :->rest'`]
    : command.args.map(
        ({ name, takes, repeats }, place) =>
          `    ${quotedWord(`${repeats ? '*' : place + 1}:${plain(name)}:${actionOf(takes)}`)}`,
      );
  const lines = [
    `${nameOf(command)}() {`,
    ...(isGroup ? ['  local context state state_descr line', '  typeset -A opt_args'] : []),
    `  _arguments ${isGroup ? '-C ' : ''}-s -S \\`,
    `${[...flags, ...args].join(' \\\n')}`,
  ];
  return [...lines, ...(isGroup ? choice(command) : []), '}', ''].join('\n');
}

/** What follows a group of commands. */
function choice(command: TypedCommand): readonly string[] {
  const named = command.commands.map(
    ({ path, description }) => `      ${quotedWord(`${path.at(-1)}:${plain(description)}`)}`,
  );
  const cases = command.commands.map(
    (child) => `        ${child.path.at(-1)}) ${nameOf(child)} ;;`,
  );
  return [
    '  case $state in',
    '    command)',
    '      local -a commands=(',
    ...named,
    '      )',
    "      _describe -t commands 'command' commands ;;",
    '    rest)',
    '      case $words[1] in',
    ...cases,
    '      esac ;;',
    '  esac',
  ];
}

/** A flag for `_arguments`. */
function specOf({ long, short, description, takes, placeholder, repeats }: TypedFlag): string {
  const text = `[${plain(description)}]`;
  const value = takes === undefined ? '' : `:${plain(placeholder)}:${actionOf(takes)}`;
  const form = takes === undefined ? '' : '=';
  if (short === undefined) return quotedWord(`${repeats ? '*' : ''}${long}${form}${text}${value}`);
  return `${quotedWord(`(${short} ${long})`)}{${short},${long}${form}}${quotedWord(`${text}${value}`)}`;
}

function actionOf({ words, files, runs }: Takes): string {
  const kind = [files === 'none' ? '' : files, runs ? 'runs' : ''].filter(Boolean).join('-');
  if (kind === '' && words.length === 0) return ' ';
  return `{__tessera_values "${kind}" ${words.join(' ')}}`;
}

/** Without the signs that `_arguments` reads. */
function plain(text: string): string {
  return text.replace(/[[\]:\\]/g, (sign) => `\\${sign}`);
}
