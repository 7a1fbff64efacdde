/** @file Completion for bash, from 3.2 on. Pure. */
import { allTyped, type Takes, type TypedCommand } from './tree.ts';

const HEAD = `# Completion of tessera for bash. Made by: tessera completion bash
# For this shell:  eval "$(tessera completion bash)"
# For all:         tessera completion bash > ~/.local/share/bash-completion/completions/tessera

_tessera_runs() {
  local folder
  for folder in runs/*/; do
    [ -d "$folder" ] || continue
    folder=\${folder%/}
    printf '%s\\n' "\${folder##*/}"
  done
}

# Sets COMPREPLY to what a value may be: words, then files or folders, then runs.
_tessera_values() {
  local kind=$1 cur=$2 IFS=$'\\n'
  case $kind in
    *files*) COMPREPLY+=($(compgen -f -- "$cur")) ;;
    *folders*) COMPREPLY+=($(compgen -d -- "$cur")) ;;
  esac
  case $kind in *runs*) COMPREPLY+=($(compgen -W "$(_tessera_runs)" -- "$cur")) ;; esac
  case $kind in
    *files* | *folders*) compopt -o filenames 2>/dev/null ;;
  esac
}
`;

const MAIN = `
_tessera() {
  local cur prev path='' position=0 at word subs flags switches values words kind
  COMPREPLY=()
  cur=\${COMP_WORDS[COMP_CWORD]}
  prev=\${COMP_WORDS[COMP_CWORD-1]}
  # bash takes --flag=value apart.
  if [ "$cur" = = ]; then cur=''
  elif [ "$prev" = = ]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  _tessera_at ''
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    case $word in
      -*) case " $switches " in *" $word "*) ;; *) [ "\${COMP_WORDS[at+1]}" = = ] && at=$((at + 1)); at=$((at + 1)) ;; esac ;;
      =) ;;
      *)
        case " $subs " in
          *" $word "*) path="$path $word"; position=0; _tessera_at "$path" ;;
          *) position=$((position + 1)) ;;
        esac ;;
    esac
  done
  if [[ $prev == -* ]] && case " $switches " in *" $prev "*) false ;; *) true ;; esac; then
    _tessera_flag "$path" "$prev"
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    return
  elif [ -n "$subs" ]; then
    COMPREPLY=($(compgen -W "$subs" -- "$cur"))
    return
  else
    _tessera_argument "$path" "$position"
  fi
  [ -n "$words" ] && COMPREPLY=($(compgen -W "$words" -- "$cur"))
  _tessera_values "$kind" "$cur"
}
complete -F _tessera tessera
`;

/** The script. */
export function bashScript(tree: TypedCommand): string {
  const all = allTyped(tree);
  const at = all.map((command) => {
    const subs = command.commands.map(({ path }) => path.at(-1)).join(' ');
    const names = command.flags.flatMap(({ long, short }) => [short ?? '', long]).filter(Boolean);
    const switches = command.flags
      .filter(({ takes }) => takes === undefined)
      .flatMap(({ long, short }) => [short ?? '', long])
      .filter(Boolean);
    return `    '${pathOf(command)}') subs='${subs}' flags='${names.join(' ')}' switches='${switches.join(' ')}' ;;`;
  });
  const values = all.flatMap((command) =>
    command.flags.flatMap(({ long, takes }) =>
      takes === undefined ? [] : caseOf(`${pathOf(command)} ${long}`, takes),
    ),
  );
  const args = all.flatMap((command) =>
    command.args.flatMap(({ takes, repeats }, place) =>
      caseOf(`${pathOf(command)} ${repeats ? '' : place}`, takes, repeats ? '*' : ''),
    ),
  );
  const chosen = (name: string, cases: readonly string[]) =>
    `\n${name}() {\n  words='' kind=''\n  case "$1 $2" in\n${cases.join('\n')}\n  esac\n}\n`;
  return [
    HEAD,
    `\n_tessera_at() {\n  case $1 in\n${at.join('\n')}\n  esac\n}\n`,
    chosen('_tessera_flag', values),
    chosen('_tessera_argument', args),
    MAIN,
  ].join('');
}

function pathOf({ path }: TypedCommand): string {
  return path.map((word) => ` ${word}`).join('');
}

/** What is offered nothing for has no case. */
function caseOf(pattern: string, { words, files, runs }: Takes, rest = ''): string[] {
  const kind = [files === 'none' ? '' : files, runs ? 'runs' : ''].filter(Boolean).join(' ');
  if (kind === '' && words.length === 0) return [];
  return [`    '${pattern}'${rest}) words='${words.join(' ')}' kind='${kind}' ;;`];
}
