/** @file What it means that a host did not become ready, or has ended: by ssh's words, its exit, and what the host said. Pure. */
import { type ErrorCode, TesseraError } from '../../shared/core/errors.ts';
import { lastWordsIn } from '../last-words.ts';
import type { Found } from './protocol.ts';

/** What is known of a connection that has ended. */
export interface HostEnd {
  readonly host: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** What the host found before tessera began there. */
  readonly found: Found | undefined;
  /** The error that it reported. */
  readonly reported: TesseraError | undefined;
  /** The last lines that it and ssh have printed, oldest first. */
  readonly lines: readonly string[];
}

/** What all hosts must have. */
export interface Wanted {
  readonly version: string;
  /** As package.json says it. */
  readonly nodes: string;
}

/** ssh ends with it where the connection fails; a program on the host may too. */
const SSH_EXIT = 255;
/** Lines that ssh prints when a connection is lost. */
const SSH_LINES = 3;

/** A way in which ssh fails: its words, and what they mean. */
interface Refusal {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly sentence: string;
  readonly hint: (host: string) => string;
}

const REFUSALS: readonly Refusal[] = [
  {
    words: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'ACCESS_DENIED',
    sentence: 'its host key is another one than before',
    hint: (host) =>
      `if that is as it should be, remove the former: ssh-keygen -R ${host}; then ssh ${host} once`,
  },
  {
    words: /Host key verification failed|No \S+ host key is known/,
    code: 'ACCESS_DENIED',
    sentence: 'its host key is not known here',
    hint: (host) => `ssh ${host} once, compare the fingerprint, and answer yes`,
  },
  {
    words:
      /Permission denied \(|Too many authentication failures|No supported authentication methods/,
    code: 'ACCESS_DENIED',
    sentence: 'it accepts no key of ours, and a password cannot be typed here',
    hint: (host) => `make \`ssh ${host} true\` work without a question: ssh-copy-id, ssh-add`,
  },
  {
    words: /Could not resolve hostname/,
    code: 'WORKERS_LOST',
    sentence: 'its name does not resolve',
    hint: () => 'is it spelled as in ~/.ssh/config or in the DNS?',
  },
  {
    words: /Connection refused/,
    code: 'WORKERS_LOST',
    sentence: 'nothing listens there for ssh',
    hint: () => 'is sshd running there, and on the port of ~/.ssh/config?',
  },
  {
    words: /No route to host|Network is unreachable|timed out|not responding/,
    code: 'WORKERS_LOST',
    sentence: 'it does not answer',
    hint: () => 'is it up, and does the network lead there?',
  },
  {
    words:
      /kex_exchange_identification|Connection (?:closed|reset)|closed by remote host|Broken pipe/,
    code: 'WORKERS_LOST',
    sentence: 'it closed the connection',
    hint: () => 'its sshd may have been stopped, or admit fewer at once (MaxStartups)',
  },
];

/** Why a host cannot take part. */
export function whyNotReady(end: HostEnd, wanted: Wanted): TesseraError {
  const { host, found, reported } = end;
  if (reported !== undefined) return reported;
  if (found !== undefined) return wrongProgram(found, end, wanted) ?? endError(end);
  const refusal = end.code === SSH_EXIT ? refusalIn(end.lines) : undefined;
  if (refusal === undefined) return endError(end);
  const { code, sentence, hint } = refusal;
  return new TesseraError(code, `${sentence}: ${wordsFor(refusal, end.lines)}`, {
    hint: hint(host),
  });
}

/** What is there is not what is needed; undefined where it is. */
function wrongProgram(found: Found, end: HostEnd, wanted: Wanted): TesseraError | undefined {
  const { node, tessera } = found;
  const { version, nodes } = wanted;
  const install = 'install it there, or let --install do so; --remote-tessera says where it is';
  if (node === 'none') {
    return new TesseraError('WORKERS_LOST', 'there is no Node on its PATH', {
      hint: `Tessera needs Node ${nodes}; --remote-tessera finds no Node by itself`,
    });
  }
  if (!fitsNode(node, nodes)) {
    return new TesseraError('PROTOCOL_MISMATCH', `it has Node ${node}`, {
      hint: `Tessera needs Node ${nodes}`,
    });
  }
  if (tessera === 'absent') {
    return new TesseraError('WORKERS_LOST', 'there is no tessera on its PATH', { hint: install });
  }
  if (tessera === 'none') {
    const words = lastWordsIn(`${end.lines.join('\n')}\n`) || 'it says nothing';
    return new TesseraError('WORKERS_LOST', `tessera does not start there: ${words}`, {
      hint: install,
    });
  }
  if (tessera === version) return undefined;
  return new TesseraError(
    'PROTOCOL_MISMATCH',
    `it has tessera ${tessera}, and this is ${version}`,
    {
      hint: `all hosts need ${version}: ${install}`,
    },
  );
}

/** The last words of a host that has ended for a reason that no table has. */
function endError({ code, signal, lines }: HostEnd): TesseraError {
  const how = signal === null ? `exit code ${code ?? 'none'}` : `signal ${signal}`;
  const words = lastWordsIn(`${lines.join('\n')}\n`);
  return new TesseraError('WORKERS_LOST', `it ended with ${how}: ${words || 'it said nothing'}`);
}

/** The cause of the end of a host during the run, in the words of ssh or its own. */
export function causeOfEnd(
  end: Omit<HostEnd, 'host' | 'found'>,
): TesseraError | { readonly sentence: string } | undefined {
  if (end.reported !== undefined) return end.reported;
  // Only what came last can be of ssh: the lines before are the host's own.
  const refusal = end.code === SSH_EXIT ? refusalIn(end.lines.slice(-SSH_LINES)) : undefined;
  if (refusal !== undefined) {
    return { sentence: `${refusal.sentence}: ${wordsFor(refusal, end.lines)}` };
  }
  const words = lastWordsIn(`${end.lines.join('\n')}\n`);
  if (words !== '') return { sentence: words };
  return end.code === 0 ? { sentence: 'it left during the run' } : undefined;
}

function refusalIn(lines: readonly string[]): Refusal | undefined {
  return REFUSALS.find(({ words }) => lines.some((line) => words.test(line)));
}

/** ssh's own line: a banner may be around it. */
function wordsFor({ words }: Refusal, lines: readonly string[]): string {
  const line = lines.findLast((each) => words.test(each)) ?? '';
  return line.replace(/^[@\s]+|[@\s.]+$/g, '');
}

/** Whether a version of Node such as `v20.20.2` is in a range such as `^20.19.0 || ^22.12.0`. */
export function fitsNode(node: string, range: string): boolean {
  const [major, minor, patch] = numbersIn(node);
  return range.split('||').some((part) => {
    const [least, leastMinor, leastPatch] = numbersIn(part);
    if (major !== least) return false;
    return minor > leastMinor || (minor === leastMinor && patch >= leastPatch);
  });
}

function numbersIn(text: string): readonly [number, number, number] {
  const [, major, minor, patch] = /(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major), Number(minor), Number(patch)];
}

/** The code of the error that several hosts end a launch with: what no second try repairs comes first. */
export function codeOfAll(errors: readonly TesseraError[]): ErrorCode {
  const codes = errors.map(({ code }) => code);
  const worst = (['ACCESS_DENIED', 'PROTOCOL_MISMATCH', 'USAGE'] as const).find((code) =>
    codes.includes(code),
  );
  return worst ?? codes[0] ?? 'WORKERS_LOST';
}
