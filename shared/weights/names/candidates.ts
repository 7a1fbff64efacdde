/**
 * @file Finds the models in some tensors: the key, the prefix, and the library of the names.
 *
 * Wrappers put something before every name (`module.`, `net.`, `teacher.backbone.`), and checkpoints hold dictionaries
 * in dictionaries. Any prefix is found by the names after it. One of two whole models is never chosen silently.
 */
import { TesseraError } from '../../core/errors.ts';
import type { TensorGroup } from '../formats/pth.ts';
import type { SafeTensor } from '../formats/safetensors.ts';
import { NAMINGS, type Naming, patterns, withoutBlock } from './names.ts';

/** A possible model. */
interface Candidate {
  readonly group: TensorGroup;
  /** The prefix of each of its names, with the dot; empty for none. */
  readonly prefix: string;
  readonly naming: Naming;
  /** Its names, without the prefix. */
  readonly names: ReadonlySet<string>;
  /** Its key: path and prefix joined by dots; `.` for the outermost. */
  readonly key: string;
  /** Whether it has most of a ViT's names, the patch embedding among them. */
  readonly isWhole: boolean;
}

/** A note about the choice, if there was one. */
export interface ChosenModel {
  readonly candidate: Candidate;
  /** Names in the same group that are of another model. */
  readonly foreign: ReadonlySet<string>;
  readonly notes: readonly string[];
}

/** Parts of a name that may be a prefix; more are in no file. */
const PREFIX_PARTS_MAX = 12;
/** Distinct names of a ViT without a head are 18, blocks counted once: most of them make it whole. */
const WHOLE_NAMES = 10;
/** Keys in a message. */
const KEYS_LISTED_MAX = 8;

const PATTERNS = new Map(NAMINGS.map((naming) => [naming, patterns(naming)] as const));

/**
 * The one model in some groups of tensors, or the one with the given key.
 *
 * Throws  CHECKPOINT_MISMATCH when no name is that of a ViT, when there are two models, or none under the key.
 */
export function chooseModel(groups: readonly TensorGroup[], key?: string): ChosenModel {
  const all = groups.flatMap(candidatesIn);
  if (all.length === 0) throw withoutNames(groups);
  const asked = key === undefined ? all : askedFor(all, key);
  const whole = asked.filter(({ isWhole }) => isWhole);
  const [first, ...others] = whole;
  if (first === undefined) {
    const best = asked.reduce((a, b) => (b.names.size > a.names.size ? b : a));
    return { candidate: best, foreign: new Set(), notes: [] };
  }
  const foreign = namesOfOthers(first, all);
  if (others.length === 0) return { candidate: first, foreign, notes: [] };
  const keys = whole.map(({ key }) => key);
  if (others.every((other) => areEqual(first, other))) {
    const same = `${listed(keys)} hold the same values: ${quoted(first.key)} is used`;
    return { candidate: first, foreign, notes: [same] };
  }
  throw new TesseraError(
    'CHECKPOINT_MISMATCH',
    `there are ${whole.length} models in it, with different values: ${listed(keys)}`,
    { hint: 'choose one with --weights-key KEY, in a config with model.init.key' },
  );
}

/** Names of whole models beside the chosen one, in its own dictionary. */
function namesOfOthers(chosen: Candidate, all: readonly Candidate[]): ReadonlySet<string> {
  const others = all.filter((one) => one.isWhole && one !== chosen && one.group === chosen.group);
  return new Set(others.flatMap(({ prefix, names }) => [...names].map((name) => prefix + name)));
}

/** All that may be models in a group. */
function candidatesIn(group: TensorGroup): Candidate[] {
  const found = new Map<string, { naming: Naming; prefix: string; names: Set<string> }>();
  for (const name of [...group.tensors.keys(), ...group.unread.keys()]) {
    for (const { prefix, rest, naming } of readings(name)) {
      const place = `${naming} ${prefix}`;
      const there = found.get(place) ?? { naming, prefix, names: new Set() };
      there.names.add(rest);
      found.set(place, there);
    }
  }
  return [...found.values()].map(({ naming, prefix, names }) => {
    const path = [group.path, prefix.slice(0, -1)].filter((part) => part !== '').join('.');
    const isWhole = isWholeModel(naming, names);
    return { group, prefix, naming, names, key: path === '' ? '.' : path, isWhole };
  });
}

/** The ways in which a name is a prefix and a name of a ViT. */
function* readings(name: string): Iterable<{ prefix: string; rest: string; naming: Naming }> {
  let at = 0;
  for (let part = 0; part <= PREFIX_PARTS_MAX; part += 1) {
    const rest = name.slice(at);
    const pattern = withoutBlock(rest);
    for (const [naming, known] of PATTERNS) {
      if (known.has(pattern)) yield { prefix: name.slice(0, at), rest, naming };
    }
    const point = name.indexOf('.', at);
    if (point < 0) return;
    at = point + 1;
  }
}

function isWholeModel(naming: Naming, names: ReadonlySet<string>): boolean {
  const known = PATTERNS.get(naming);
  const ours = new Set([...names].map((name) => known?.get(withoutBlock(name))));
  for (const head of ['head.weight', 'head.bias', undefined]) ours.delete(head);
  return ours.size >= WHOLE_NAMES && ours.has('patch_embed.proj.weight');
}

/** Those of a key, or below it where none has it itself. */
function askedFor(all: readonly Candidate[], key: string): readonly Candidate[] {
  const exact = all.filter((candidate) => candidate.key === key);
  const asked = exact.length > 0 ? exact : all.filter((one) => one.key.startsWith(`${key}.`));
  if (asked.length > 0) return asked;
  const whole = all.filter(({ isWhole }) => isWhole);
  const keys = (whole.length > 0 ? whole : all).map((candidate) => candidate.key);
  throw new TesseraError('CHECKPOINT_MISMATCH', `there is no model under ${quoted(key)}`, {
    hint: `keys of models in it: ${listed(keys)}`,
  });
}

/** Whether two have the same names and, bit for bit, the same values. */
function areEqual(one: Candidate, other: Candidate): boolean {
  if (one.naming !== other.naming || one.names.size !== other.names.size) return false;
  for (const name of one.names) {
    const a = one.group.tensors.get(one.prefix + name);
    const b = other.group.tensors.get(other.prefix + name);
    if (a === undefined || b === undefined || !haveSameValues(a, b)) return false;
  }
  return true;
}

function haveSameValues(a: SafeTensor, b: SafeTensor): boolean {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const those = b.bytes;
  return a.bytes.every((byte, at) => byte === those[at]);
}

function withoutNames(groups: readonly TensorGroup[]): TesseraError {
  const names = groups.flatMap(({ tensors, unread }) => [...tensors.keys(), ...unread.keys()]);
  const found = names.slice(0, 3).join(', ');
  return new TesseraError(
    'CHECKPOINT_MISMATCH',
    `no tensor name matches a known ViT layout (it has ${found || 'no tensors'})`,
    { hint: 'names of timm, torchvision, Hugging Face ViT and DeiT are known: docs/weights.md' },
  );
}

function listed(keys: readonly string[]): string {
  const shown = [...new Set(keys)].slice(0, KEYS_LISTED_MAX).map(quoted);
  const more = new Set(keys).size - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function quoted(key: string): string {
  return JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}...` : key);
}
