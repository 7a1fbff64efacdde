/** @file The command lines of `tessera launch ssh`: of ssh here, and of the shell on a host. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { Host } from './hosts.ts';
import { MARK } from './protocol.ts';

/** What is started on each host. */
export interface HostCommand {
  /** The version that a host must have. */
  readonly version: string;
  /** Path of `tessera` there; found by itself unless given. */
  readonly remote: string | undefined;
  /** Package for npm where that version is not there; undefined installs nothing. */
  readonly install: string | undefined;
  /** `auto`, a number, or MIN:MAX; a host's slots come before it. */
  readonly workers: string;
  /** Such as `0,1`; undefined for all. */
  readonly devices: string | undefined;
}

/** The host is looked at without end otherwise: a jump host that does not answer, a link that is down. */
const OPTIONS: readonly string[] = [
  // No question is ever asked: a password, a passphrase or a new host key is an error.
  'BatchMode=yes',
  'ConnectTimeout=20',
  // A link that is down ends the connection after half a minute.
  'ServerAliveInterval=10',
  'ServerAliveCountMax=3',
  // A master that stays behind would outlive the run; one that is there already is used.
  'ControlMaster=no',
  // A config for people may ask for these.
  ...['RemoteCommand=none', 'RequestTTY=no', 'ClearAllForwardings=yes'],
  ...['ForwardX11=no', 'ForwardAgent=no', 'PermitLocalCommand=no'],
];

/** What a path on a host may hold, so that each shell takes it as it is. */
const PLAIN_PATH = /^(?!-)[\w./~+@:-]+$/;
/** A package for npm: a name with a version, an address, a path. */
const PLAIN_PACKAGE = /^(?!-)[\w./~+@:%?&=#^-]+$/;

/** The words of ssh that run a command on a host; `ssh` is the program with arguments of the user. */
export function sshWords(ssh: readonly string[], { name }: Host, command: string): string[] {
  const options = OPTIONS.flatMap((option) => ['-o', option]);
  return [...ssh, '-T', ...options, '--', name, command];
}

/**
 * The command line for a host: finds tessera, says which version it is, and becomes `tessera launch host` where that is
 * the same as ours. One line without single quotes inside, so that sh, bash, zsh, fish and csh read it alike.
 *
 * Throws  USAGE for a path or a package with signs that shells read in their own ways.
 */
export function remoteCommand(command: HostCommand, host: Host): string {
  const { version, remote, install } = command;
  if (remote !== undefined && !PLAIN_PATH.test(remote)) throw odd('--remote-tessera', remote);
  if (install !== undefined && !PLAIN_PACKAGE.test(install)) throw odd('--package', install);
  const ours = `own="\${XDG_DATA_HOME:-$HOME/.local/share}/tessera"`;
  const find =
    remote === undefined
      ? [ours, `t=tessera`, `[ -x "$own/${version}/${BIN}" ] && t="$own/${version}/${BIN}"`]
      : [ours, `t="${remote.replace(/^~\//, '$HOME/')}"`];
  const lines = [
    ...find,
    // nvm and the like set the PATH in files that only an interactive shell reads.
    `command -v "$t" >/dev/null 2>&1 && command -v node >/dev/null 2>&1 || { ${LOGIN_PATH}; }`,
    ...(install === undefined ? [] : installLines(version, install)),
    `n=$(node --version 2>/dev/null | tail -n 1)`,
    // Its own words say why it does not start; another program may have that name.
    `v=; command -v "$t" >/dev/null 2>&1 && v=$("$t" --version | tail -n 1 | tr -cd "0-9A-Za-z.+-"); v=\${v:-none}`,
    `command -v "$t" >/dev/null 2>&1 || v=absent`,
    `echo "${MARK} found node=\${n:-none} tessera=$v from=\${SSH_CONNECTION%% *}"`,
    `[ "$v" = "${version}" ] || exit 76`,
    `exec "$t" ${hostArgs(command, host).join(' ')}`,
  ];
  return `exec sh -c '${lines.join('; ')}'`;
}

/** The arguments of tessera on a host. They are not secret. */
export function hostArgs({ workers, devices }: HostCommand, { slots }: Host): string[] {
  const flags = ['--workers', slots === undefined ? workers : String(slots)];
  return ['launch', 'host', ...flags, ...(devices === undefined ? [] : ['--devices', devices])];
}

const BIN = 'node_modules/.bin/tessera';
const LOGIN_PATH = [
  `p=$("\${SHELL:-/bin/sh}" -lic env </dev/null 2>/dev/null | sed -n "s/^PATH=//p" | tail -n 1)`,
  '[ -n "$p" ] && PATH=$p && export PATH',
].join('; ');

/** Installs into a folder of the version, which appears at once: hosts may share a home. */
function installLines(version: string, name: string): string[] {
  const folder = `$own/${version}`;
  const have = `[ "$("$t" --version 2>/dev/null | tail -n 1)" = "${version}" ]`;
  const npm = `npm install --prefix "$new" --no-audit --no-fund --no-package-lock --loglevel=error "${name}" >&2`;
  return [
    `${have} || { new="$own/.new.$$"; mkdir -p "$new" && ${npm} && { [ -e "${folder}" ] || mv "$new" "${folder}"; }; rm -rf "$new"; t="${folder}/${BIN}"; }`,
  ];
}

function odd(flag: string, value: string): TesseraError {
  return new TesseraError(
    'USAGE',
    `${flag} ${JSON.stringify(value)} has signs that a shell on a host may read in its own way`,
    { hint: 'letters, digits and . / ~ _ + @ : - are fine; make a link with such a name' },
  );
}
