/** @file Completion for fish. Pure. */
import { allTyped, type Takes, type TypedCommand, type TypedFlag } from './tree.ts';

const HEAD = `# Completion of tessera for fish. Made by: tessera completion fish
# For this shell:  tessera completion fish | source
# For all:         tessera completion fish > ~/.config/fish/completions/tessera.fish

function __tessera_runs
    for folder in runs/*/
        basename $folder
    end
end
`;

const MAIN = `
# Whether the words so far lead to this command.
function __tessera_at
    set -l path
    for word in (commandline -opc)[2..-1]
        if contains -- (string join -- ' ' $path $word) $__tessera_commands
            set -a path $word
        end
    end
    test "$path" = "$argv"
end

complete -c tessera -f
`;

/** The script. */
export function fishScript(tree: TypedCommand): string {
  const all = allTyped(tree);
  const paths = all.map(({ path }) => path.join(' ')).filter((path) => path !== '');
  return [
    HEAD,
    `\nset -g __tessera_commands ${paths.map(quoted).join(' ')}\n`,
    MAIN,
    ...all.flatMap(linesOf).map((line) => `${line}\n`),
  ].join('');
}

function linesOf(command: TypedCommand): readonly string[] {
  const at = `complete -c tessera -n ${quoted(`__tessera_at ${command.path.join(' ')}`.trimEnd())}`;
  const children = command.commands.map(
    ({ path, description }) => `${at} -a ${quoted(path.at(-1) ?? '')} -d ${quoted(description)}`,
  );
  const args = command.args.flatMap(({ takes }) => {
    const { files, value } = offered(takes);
    return value === '' && files === '' ? [] : [`${at}${files}${value}`];
  });
  return [...children, ...command.flags.map((flag) => `${at}${flagText(flag)}`), ...args];
}

function flagText({ long, short, description, takes }: TypedFlag): string {
  const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
  const name = `${letter} -l ${long.slice(2)} -d ${quoted(description)}`;
  if (takes === undefined) return name;
  const { files, value } = offered(takes);
  return `${name} -r${files === '' ? ' -f' : files}${value}`;
}

function offered({ words, files, runs }: Takes): {
  readonly files: string;
  readonly value: string;
} {
  const list = [
    ...words,
    ...(runs ? ['(__tessera_runs)'] : []),
    ...(files === 'folders' ? ['(__fish_complete_directories)'] : []),
  ];
  return {
    files: files === 'files' ? ' -F' : '',
    value: list.length === 0 ? '' : ` -a ${quoted(list.join(' '))}`,
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
