/** @file The hosts of `tessera launch ssh`: a list such as `a,b:2,n[1-4]`, or a hostfile with `slots=`. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { expandNodeList } from '../up/node-list.ts';

/** A host that is to compute. */
export interface Host {
  /** As ssh gets it: a name of its config, a name or an address, with or without `user@`. */
  readonly name: string;
  /** Workers there; undefined where the host's devices say it. */
  readonly slots: number | undefined;
}

/** The machine of the launcher itself: no ssh is needed for it. */
const THIS_MACHINE = 'localhost';
/** What ssh takes for a host; a word that begins with a hyphen would be an option. */
const NAME = /^(?!-)[\w.@:%[\]-]+$/;
const SLOTS_MAX = 1024;
const EXAMPLE = 'a line is HOST or HOST slots=2; # begins a comment';

/** Whether workers of this host are started without ssh. */
export function isThisMachine({ name }: Pick<Host, 'name'>): boolean {
  return name === THIS_MACHINE;
}

/** The hosts of `a,b:2,n[1-4]`: a number behind a colon is that of its workers. Throws  USAGE. */
export function hostsOfList(list: string): readonly Host[] {
  return checked(expandNodeList(list).map(hostOfWord), 'the list');
}

/** The hosts of a hostfile: `HOST slots=2` a line. Throws  USAGE, naming the line. */
export function hostsOfFile(text: string, path: string): readonly Host[] {
  const hosts = text.split('\n').flatMap((line, at) => {
    const words = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    const [names, ...settings] = words;
    if (names === undefined) return [];
    const slots = settings.map((setting) => slotsOf(setting, `${path}:${at + 1}`));
    return expandNodeList(names).map((name) => {
      const host = hostOfWord(name);
      return { ...host, slots: slots.at(-1) ?? host.slots };
    });
  });
  return checked(hosts, path);
}

/** `b:2`; an IPv6 address has several colons, and is not a host with a number. */
function hostOfWord(word: string): Host {
  const [, name, slots] = /^([^:]+|.*\]):(\d+)$/.exec(word) ?? [];
  if (name === undefined || slots === undefined) return { name: word, slots: undefined };
  return { name, slots: slotsOf(`slots=${slots}`, word) };
}

function slotsOf(setting: string, where: string): number {
  const digits = /^slots=(\d+)$/.exec(setting)?.[1];
  const slots = Number(digits);
  if (digits === undefined) {
    throw new TesseraError('USAGE', `${where}: ${JSON.stringify(setting)} means nothing here`, {
      hint: EXAMPLE,
    });
  }
  if (slots >= 1 && slots <= SLOTS_MAX) return slots;
  throw new TesseraError('USAGE', `${where}: ${slots} workers on one host`, {
    hint: `give a number from 1 to ${SLOTS_MAX}; leave a host out that is not to compute`,
  });
}

/** Throws  USAGE for no host, for what is not a host, and for one that is there twice. */
function checked(hosts: readonly Host[], where: string): readonly Host[] {
  if (hosts.length === 0) {
    throw new TesseraError('USAGE', `${where} names no host`, { hint: EXAMPLE });
  }
  const seen = new Set<string>();
  for (const { name } of hosts) {
    if (!NAME.test(name)) {
      throw new TesseraError('USAGE', `${JSON.stringify(name)} in ${where} is not a host`, {
        hint: 'give names as ssh takes them, such as gpu1 or user@10.0.0.2; ports and keys belong into ~/.ssh/config',
      });
    }
    if (seen.has(name)) {
      throw new TesseraError('USAGE', `${where} names the host ${name} twice`, {
        hint: `several workers of one host are ${name}:2, or slots=2 in a file`,
      });
    }
    seen.add(name);
  }
  return hosts;
}
