/**
 * @file Finds the head among the tensors beside a backbone: the one linear layer, whatever its name.
 *
 * If two layers qualify, both are named and neither is used.
 */
import type { TensorGroup } from '../formats/pth.ts';

type RawTensors = TensorGroup['tensors'];

/** A linear layer of a file. */
interface LinearLayer {
  readonly weight: string;
  /** Undefined where it has none. */
  readonly bias: string | undefined;
}

/** The head, and the tensors beside it. */
export interface FoundHead {
  readonly head: LinearLayer | undefined;
  /** The possible heads, if there is more than one. */
  readonly candidates: readonly string[];
  /** Tensors of the same module: with them the head is more than a linear layer. */
  readonly beside: ReadonlySet<string>;
  /** Whether no library uses this name for a head. */
  readonly isRenamed: boolean;
}

/** The inputs of the search. */
export interface HeadSearch {
  /** Tensors that are not of the backbone. */
  readonly rest: RawTensors;
  /** The prefix of the names of the backbone. */
  readonly prefix: string;
  /** The library's name of the head: `head`, `heads.head`, `classifier`. */
  readonly usual: readonly string[];
  /** Width of the backbone. */
  readonly width: number;
}

/** Characters of a name that are looked at. */
export const NAME_MAX = 300;

/** Names of layers that are never the head of a classifier. */
const NEVER =
  /(?:^|[._])(?:decoder|predictor|project\w*|proj|criterion|loss|mask\w*|pooler|metrics?|embed\w*|pre_logits|blocks|layers|mlp(?!_head(?:\.|$))|teacher|student|ema|text\w*|queue|optimizer|head_dist|attn\w*|fc1|fc2)(?:[._]|$)/;
/** Names that heads have. */
const USUAL =
  /^(?:heads?|classifier|cls_head|fc|linear|linear_head|last_layer|head\.fc|heads\.head)$/;

/** Finds the head of a backbone. */
export function findHead({ rest, prefix, usual, width }: HeadSearch): FoundHead {
  const levels = levelsOf(prefix);
  const named = levels.flatMap((level) => usual.map((name) => level + name));
  const byName = named.filter((stem) => rest.has(`${stem}.weight`));
  const others = [...rest.keys()]
    .filter((name) => name.endsWith('.weight') && !named.includes(name.slice(0, -7)))
    .map((name) => name.slice(0, -7))
    .filter((stem) => couldFollow(rest, stem, width) && !NEVER.test(withoutLevel(stem, levels)));
  const [first, ...more] = byName.length > 0 ? byName : others;
  if (first === undefined) return none([]);
  const rivals = byName.length > 0 ? outerHeads(first, { rest, levels, width }) : [];
  const candidates = [first, ...more, ...rivals];
  if (candidates.length > 1) return none(candidates.map((stem) => `${stem}.weight`));
  const bias = rest.has(`${first}.bias`) ? `${first}.bias` : undefined;
  const head = { weight: `${first}.weight`, bias };
  const beside = new Set(besideOf(first, { rest, levels, prefix }));
  for (const name of [head.weight, bias]) if (name !== undefined) beside.delete(name);
  return { head, candidates: [], beside, isRenamed: byName.length === 0 };
}

function none(candidates: readonly string[]): FoundHead {
  return { head: undefined, candidates, beside: new Set(), isRenamed: false };
}

/** `a.b.` -> `a.b.`, `a.`, nothing: a head stands where the backbone's names do, or further out. */
function levelsOf(prefix: string): string[] {
  const parts = prefix.split('.').slice(0, -1);
  return parts.map((_, at) => `${parts.slice(0, parts.length - at).join('.')}.`).concat('');
}

/** Cut, since patterns take a name's length several times. */
function withoutLevel(stem: string, levels: readonly string[]): string {
  const level = levels.find((one) => stem.startsWith(one)) ?? '';
  return stem.slice(level.length, level.length + NAME_MAX);
}

/** Whether a layer takes the output of the backbone, and has a matching bias or none. */
function couldFollow(rest: RawTensors, stem: string, width: number): boolean {
  const [classes, inputs, ...more] = rest.get(`${stem}.weight`)?.shape ?? [];
  const bias = rest.get(`${stem}.bias`)?.shape;
  const isLinear = classes !== undefined && inputs === width && more.length === 0;
  return isLinear && (bias === undefined || (bias.length === 1 && bias[0] === classes));
}

/** Heads of a wrapper around a model that has one of its own: behind it, or in its place. */
function outerHeads(
  own: string,
  { rest, levels, width }: { rest: RawTensors; levels: readonly string[]; width: number },
): string[] {
  const ownLevel = levels.find((level) => own.startsWith(level)) ?? '';
  const classes = rest.get(`${own}.weight`)?.shape[0];
  return [...rest]
    .filter(([name]) => name.endsWith('.weight') && !name.startsWith(ownLevel || '\0'))
    .map(([name, { shape }]) => ({ stem: name.slice(0, -7), shape }))
    .filter(({ stem, shape: [, inputs, ...more] }) => {
      const isLinear = more.length === 0 && (inputs === width || inputs === classes);
      return ownLevel !== '' && isLinear && USUAL.test(withoutLevel(stem, levels));
    })
    .map(({ stem }) => stem);
}

/** What stands in the same module as the head; of a Sequential, its other steps. */
function besideOf(
  stem: string,
  { rest, levels, prefix }: { rest: RawTensors; levels: readonly string[]; prefix: string },
): string[] {
  const level = levels.find((one) => stem.startsWith(one)) ?? '';
  const [top = ''] = withoutLevel(stem, levels).split('.');
  const isStep = /^\d+$/.test(top);
  return [...rest.keys()].filter((name) => {
    if (!name.startsWith(level)) return false;
    if (isStep && level !== prefix && name.startsWith(prefix)) return false;
    const [other = ''] = name.slice(level.length).split('.');
    return other === top || (isStep && /^\d+$/.test(other)) || other === 'pre_logits';
  });
}
