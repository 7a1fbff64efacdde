/**
 * @file The identity of a data set: digests of its classes, names, labels, sizes, and of a sample of its contents.
 *
 * Two machines that read their own files, and a resumed run, compare these, not counts alone. There are digests
 * of each block of samples too, so that a difference can be found without sending a million names.
 */
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { mapAtMost } from '../../core/concurrency.ts';
import { TesseraError } from '../../core/errors.ts';
import { sha256OfBytes, sha256OfText } from '../../files/digest.ts';
import { permutation } from '../permutation.ts';
import type { DataSource, Split } from '../source.ts';

/** Maximum blocks of a split; the number of samples in a block is a power of two. */
const BLOCKS_MAX = 1024;
/** Hexadecimal digits of a block's digest, which locates a difference; the full SHA-256 detects it. */
const MARK_DIGITS = 8;
/** Compared contents of each split: as many as fit into these bytes, within these counts; no larger file. */
const CONTENTS = {
  least: 16,
  most: 256,
  bytes: 16 * 1024 ** 2,
  fileBytes: 32 * 1024 ** 2,
} as const;
const CONTENTS_AT_ONCE = 4;
const SPLITS_MAX = 8;
const CLASSES_MAX = 1_000_000;
const NAME_LENGTH_MAX = 1000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const marks = z.string().regex(new RegExp(`^(?:[0-9a-f]{${MARK_DIGITS}}){0,${BLOCKS_MAX}}$`));
const index = z.int().min(0);

const splitSchema = z.strictObject({
  samples: index,
  /** Of the name and the label of each sample, in order. */
  listing: sha256,
  /** Of the size of each sample in bytes, in order. */
  sizes: sha256,
  /** The first digits of the digest of each block. */
  listingMarks: marks,
  sizeMarks: marks,
  /** Digests of the contents of some samples; '' for one that could not be read. */
  contents: z
    .array(z.strictObject({ index, sha256: z.union([sha256, z.literal('')]) }))
    .max(CONTENTS.most),
});

/** The form of an identity in a welcome and in a run folder. */
export const dataIdentitySchema = z.strictObject({
  classes: z.array(z.string().max(NAME_LENGTH_MAX)).max(CLASSES_MAX),
  splits: z
    .record(z.string().max(NAME_LENGTH_MAX), splitSchema)
    .refine((splits) => Object.keys(splits).length <= SPLITS_MAX, 'too many splits'),
});

/** One split, by its digests. */
type SplitIdentity = z.infer<typeof splitSchema>;
/** A data set, by its digests. */
export type DataIdentity = z.infer<typeof dataIdentitySchema>;

/** The inputs of an identity. */
export type IdentifiableSource = Pick<
  DataSource,
  'classes' | 'size' | 'label' | 'name' | 'listedBytes' | 'read'
>;

/**
 * The identity of a source. It covers all names, labels and sizes of each split, and the contents of up to 256 samples
 * that the seed draws, as far as they fit into 16 MiB. Memory does not grow with the set.
 */
export async function identifyData(
  source: IdentifiableSource,
  seed: number,
): Promise<DataIdentity> {
  const splits: Record<string, SplitIdentity> = {};
  for (const split of splitsOf(source)) splits[split] = await identifySplit(source, split, seed);
  return { classes: source.classes.map(plain), splits };
}

/** The splits that have samples. */
function splitsOf({ size }: IdentifiableSource): Split[] {
  return (Object.keys(size) as Split[]).filter((split) => size[split] > 0);
}

async function identifySplit(
  source: IdentifiableSource,
  split: Split,
  seed: number,
): Promise<SplitIdentity> {
  const samples = source.size[split];
  const listing: string[] = [];
  const sizes: string[] = [];
  const blockSize = blockSizeOf(samples);
  for (let first = 0; first < samples; first += blockSize) {
    const indices = Array.from(
      { length: Math.min(blockSize, samples - first) },
      (_, at) => first + at,
    );
    // Names have no control characters: a data set with such a name is refused.
    const names = indices.map((at) => `${source.label(split, at)} ${source.name(split, at)}`);
    listing.push(sha256OfText(plain(names.join('\n'))));
    sizes.push(sha256OfText(indices.map((at) => source.listedBytes(split, at)).join('\n')));
    // A million names take a second; yield, so that other calls are served meanwhile.
    await setImmediate();
  }
  return {
    samples,
    listing: sha256OfText(listing.join()),
    sizes: sha256OfText(sizes.join()),
    listingMarks: marksOf(listing),
    sizeMarks: marksOf(sizes),
    contents: await mapAtMost(CONTENTS_AT_ONCE, drawn(source, split, seed), async (at) => ({
      index: at,
      sha256: await contentOf(source, split, at),
    })),
  };
}

/** The samples whose contents are compared, ascending. */
function drawn(source: IdentifiableSource, split: Split, seed: number): number[] {
  const size = source.size[split];
  const at = permutation({ size, seed, stream: 'identity', counter: 0 });
  const indices: number[] = [];
  for (let place = 0, bytes = 0; place < Math.min(size, CONTENTS.most); place += 1) {
    const next = at(place);
    const own = source.listedBytes(split, next);
    if (own > CONTENTS.fileBytes) continue;
    bytes += own;
    if (bytes > CONTENTS.bytes && indices.length >= CONTENTS.least) break;
    indices.push(next);
  }
  return indices.sort((one, other) => one - other);
}

/** A sample that cannot be read is not compared; the worker that needs it reports it. */
async function contentOf(source: IdentifiableSource, split: Split, at: number): Promise<string> {
  try {
    return await sha256OfBytes((await source.read(split, at)).bytes);
  } catch (error) {
    if (TesseraError.from(error).code === 'DATA_INVALID') return '';
    throw error;
  }
}

/** The first difference of two sets; contents are compared last. */
export type DataDifference =
  | { readonly kind: 'classes' }
  | { readonly kind: 'samples'; readonly split: Split; readonly block: Block | undefined }
  | { readonly kind: 'listing' | 'sizes'; readonly split: Split; readonly block: Block | undefined }
  | { readonly kind: 'contents'; readonly split: Split; readonly index: number };

/** Consecutive samples. */
export interface Block {
  readonly first: number;
  readonly count: number;
}

/** The first difference of two sets: classes, then for each split its count, names and labels, sizes, contents. */
export function firstDifference(
  one: DataIdentity,
  other: DataIdentity,
): DataDifference | undefined {
  if (!areSame(one.classes, other.classes)) return { kind: 'classes' };
  const names = new Set([...Object.keys(one.splits), ...Object.keys(other.splits)]) as Set<Split>;
  for (const split of names) {
    const difference = splitDifference(split, one.splits[split], other.splits[split]);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function splitDifference(
  split: Split,
  one: SplitIdentity | undefined,
  other: SplitIdentity | undefined,
): DataDifference | undefined {
  if (one === undefined || other === undefined) return { kind: 'samples', split, block: undefined };
  if (one.samples !== other.samples) {
    const isAlike = blockSizeOf(one.samples) === blockSizeOf(other.samples);
    const block = isAlike ? firstBlock(one, other, 'listingMarks') : undefined;
    return { kind: 'samples', split, block };
  }
  if (one.listing !== other.listing) {
    return { kind: 'listing', split, block: firstBlock(one, other, 'listingMarks') };
  }
  if (one.sizes !== other.sizes) {
    return { kind: 'sizes', split, block: firstBlock(one, other, 'sizeMarks') };
  }
  const contents = new Map(other.contents.map(({ index: at, sha256: digest }) => [at, digest]));
  const differing = one.contents.find(({ index: at, sha256: digest }) => {
    const there = contents.get(at) ?? '';
    return digest !== '' && there !== '' && digest !== there;
  });
  return differing && { kind: 'contents', split, index: differing.index };
}

/** The first block whose digest differs, or exists on one side only. */
function firstBlock(
  one: SplitIdentity,
  other: SplitIdentity,
  marksName: 'listingMarks' | 'sizeMarks',
): Block | undefined {
  const [ours, theirs] = [one[marksName], other[marksName]];
  const samples = Math.max(one.samples, other.samples);
  const size = blockSizeOf(one.samples);
  for (let at = 0; at * size < samples; at += 1) {
    const place = [at * MARK_DIGITS, (at + 1) * MARK_DIGITS] as const;
    if (ours.slice(...place) === theirs.slice(...place)) continue;
    return { first: at * size, count: Math.min(size, samples - at * size) };
  }
  return undefined;
}

function blockSizeOf(samples: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(samples / BLOCKS_MAX)));
}

function marksOf(digests: readonly string[]): string {
  return digests.map((digest) => digest.slice(0, MARK_DIGITS)).join('');
}

/** Some systems store `é` as one code point, some as two: the name is the same. */
function plain(name: string): string {
  return name.normalize('NFC');
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at]);
}
