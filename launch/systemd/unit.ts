/** @file A systemd unit that starts a line of Tessera again for as long as that is of use. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';

/** What a unit is to run. */
export interface SystemdService {
  /** Of the unit: letters, digits and a few signs. */
  readonly name: string;
  /** The words of the line; the first is an absolute path. */
  readonly words: readonly string[];
  /** Absolute. */
  readonly folder: string;
  readonly user: string;
  /** Absolute paths that the line writes to, beside its folder. */
  readonly writes: readonly string[];
}

/** Between two starts. */
const PAUSE_S = 10;
/** A machine that is full, or an engine that fails, is tried so often. */
const STARTS_MAX = 6;
/** A save of the largest model on a slow disk, twice. */
const STOP_MIN = 10;

/** The text of the unit. Throws  USAGE for a folder that a unit cannot name. */
export function systemdUnit({ name, words, folder, user, writes }: SystemdService): string {
  const codes = (wanted: string) =>
    exitCodeRows()
      .filter(({ restart, code }) => restart === wanted && code !== 0)
      .map(({ code }) => code)
      .join(' ');
  // Of paths that may not exist yet, those that do are made writable.
  const paths = [folder, ...writes].map((path) => unitWord(`-${checkedPath(path)}`));
  return [
    `# As root: write this text to /etc/systemd/system/${name}.service, then`,
    `#   systemctl daemon-reload && systemctl enable --now ${name}`,
    `#   journalctl --unit ${name} --follow`,
    '[Unit]',
    `Description=Tessera: ${name}`,
    'Wants=network-online.target',
    'After=network-online.target',
    'StartLimitIntervalSec=30min',
    `StartLimitBurst=${STARTS_MAX}`,
    '',
    '[Service]',
    `ExecStart=${words.map(commandWord).join(' ')}`,
    `WorkingDirectory=${plain(checkedPath(folder))}`,
    `User=${plain(user)}`,
    '# Ends that count as such, and those after which the line is started again or not: tessera help exit-codes.',
    'Restart=on-failure',
    `RestartSec=${PAUSE_S}s`,
    `RestartForceExitStatus=${codes('always')}`,
    `RestartPreventExitStatus=${codes('never')}`,
    `SuccessExitStatus=${codes('always')} 130`,
    '# The process saves, ends its workers, and ends.',
    'KillMode=mixed',
    `TimeoutStopSec=${STOP_MIN}min`,
    'UMask=0077',
    '# It reads this machine, and writes to these folders. V8 and engines compile programs, so memory stays executable;',
    '# devices stay as they are, since GPUs are among them.',
    'ProtectSystem=strict',
    `ReadWritePaths=${paths.join(' ')}`,
    ...HARDENING.map((name) => `${name}=yes`),
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    'CapabilityBoundingSet=',
    'SystemCallArchitectures=native',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

const HARDENING = [
  'NoNewPrivileges',
  'PrivateTmp',
  'ProtectControlGroups',
  'ProtectHostname',
  'ProtectKernelLogs',
  'ProtectKernelModules',
  'ProtectKernelTunables',
  'LockPersonality',
  'RestrictNamespaces',
  'RestrictRealtime',
  'RestrictSUIDSGID',
];

/** A word of a command: systemd puts variables into it. */
function commandWord(word: string): string {
  return unitWord(word.replaceAll('$', '$$$$'));
}

/** A word of a list: quoted, with C's escapes. systemd refuses a file that has what Unicode does not assign. */
function unitWord(word: string): string {
  if (/^[\w./:=@,+$-]+$/.test(word)) return word;
  const quoted = plain(word).replace(/["\\]/g, '\\$&').replace(/\p{C}/gu, codesOf);
  return `"${quoted}"`;
}

function codesOf(sign: string): string {
  return Array.from(Buffer.from(sign), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(
    '',
  );
}

/** A percent sign begins what systemd fills in. */
function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Folders are lines, or words of a list without escapes. */
function checkedPath(path: string): string {
  if (!/["'\\]|\p{C}|\s$/u.test(path)) return path;
  throw new TesseraError('USAGE', `a systemd unit cannot name the folder ${JSON.stringify(path)}`, {
    hint: 'quotes, backslashes and line breaks cannot be written there: use another folder',
  });
}
