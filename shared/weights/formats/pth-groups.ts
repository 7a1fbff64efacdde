/**
 * @file The dictionaries of tensors in what a pickle holds, at every depth.
 *
 * A training checkpoint keeps its weights beside other things, and often several layers deep. Which of them is the
 * model is not decided here.
 */
import { OpaqueObject, PickledTensor, UnreadTensor } from './pickle-objects.ts';

/** One dictionary with tensors in it. */
export interface PickledGroup {
  /** Keys that lead to it, joined by points; empty for the outermost. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, PickledTensor>;
  /** Tensors that are stored in a way that is not read, and what they are. */
  readonly unread: ReadonlyMap<string, string>;
}

/** What was found. */
export interface PickledGroups {
  readonly groups: readonly PickledGroup[];
  /** Whole modules: their path and class. Their tensors are not searched: what they compute is defined by their code. */
  readonly modules: readonly (readonly [path: string, name: string])[];
}

/** Deeper than any checkpoint nests its weights. */
const DEPTH_MAX = 16;

type Place = readonly [path: string, value: unknown];

/** All dictionaries that hold tensors under names, the outermost first. Each object is looked at once. */
export function groupsIn(root: unknown): PickledGroups {
  const groups: PickledGroup[] = [];
  const modules: [string, string][] = [];
  const seen = new Set<unknown>();
  let level: Place[] = [['', root]];
  for (let depth = 0; depth <= DEPTH_MAX && level.length > 0; depth += 1) {
    level = level.flatMap(([path, value]) => {
      if (!isContainer(value) || seen.has(value)) return [];
      seen.add(value);
      if (value instanceof OpaqueObject && value.isModule) modules.push([path, value.name]);
      const group = groupOf(path, value);
      if (group.tensors.size + group.unread.size > 0) groups.push(group);
      return placesIn(path, value);
    });
  }
  return { groups, modules };
}

function placesIn(path: string, value: Container): Place[] {
  return [...entriesOf(value)]
    .filter(([, inner]) => isContainer(inner))
    .map(([key, inner]) => [path === '' ? keyOf(key) : `${path}.${keyOf(key)}`, inner]);
}

/** A key for messages and look-ups. What is in a list is left out: a few bytes can nest it beyond any time. */
export function keyOf(key: unknown): string {
  return typeof key === 'object' ? 'an object' : String(key);
}

function groupOf(path: string, value: Container): PickledGroup {
  const tensors = new Map<string, PickledTensor>();
  const unread = new Map<string, string>();
  for (const [name, entry] of entriesOf(value)) {
    if (typeof name !== 'string') continue;
    if (entry instanceof PickledTensor) tensors.set(name, entry);
    if (entry instanceof UnreadTensor) unread.set(name, entry.what);
  }
  return { path, tensors, unread };
}

type Container = ReadonlyMap<unknown, unknown> | readonly unknown[] | OpaqueObject;

function isContainer(value: unknown): value is Container {
  return value instanceof Map || Array.isArray(value) || value instanceof OpaqueObject;
}

function* entriesOf(value: Container): Iterable<readonly [unknown, unknown]> {
  if (value instanceof OpaqueObject) {
    yield* value.entries;
    yield* value.items.entries();
  } else yield* value.entries();
}
