/**
 * @file One set of tensors as several safetensors files and an index, as Hugging Face writes what is large.
 *
 * No tensor is cut. A tensor that is larger than the bound has a file to itself.
 *
 * Source  https://huggingface.co/docs/huggingface_hub/package_reference/serialization
 */
import { encodeSafetensors, type NamedTensor } from './safetensors.ts';

/** Bytes of tensors in a file of a set. Readers hold a file in one array, which has at most 4 GiB. */
const SHARD_BYTES = 4e9;

/** A file to be written, in pieces. */
export interface FilePieces {
  readonly name: string;
  readonly pieces: Uint8Array[];
}

/** `model.safetensors.index.json` for `model.safetensors`. */
export function indexName(name: string): string {
  return `${name}.index.json`;
}

/** Whether a name is that of an index of shards. */
export function isIndexName(name: string): boolean {
  return name.endsWith('.index.json');
}

/** `model-00001-of-00003.safetensors`: the shard at a place, counted from 0. */
export function shardName(name: string, place: number, count: number): string {
  const [stem, extension] = partsOf(name);
  const padded = (value: number) => String(value).padStart(5, '0');
  return `${stem}-${padded(place + 1)}-of-${padded(count)}${extension}`;
}

/**
 * The files of a set of tensors: one where they fit, else shards, their index last. Each file has the metadata.
 *
 * Throws  INTERNAL as `encodeSafetensors` does.
 */
export function encodeShards(
  name: string,
  tensors: readonly NamedTensor[],
  { metadata = {}, bytesMax = SHARD_BYTES }: ShardOptions = {},
): FilePieces[] {
  const shards = shardsOf(tensors, bytesMax);
  if (shards.length === 1) return [{ name, pieces: encodeSafetensors(tensors, metadata) }];
  const named = shards.map((held, place) => ({
    name: shardName(name, place, shards.length),
    held,
  }));
  const map = named.flatMap((shard) => shard.held.map((tensor) => [tensor.name, shard.name]));
  const total = tensors.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map) };
  const text = new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`);
  return [
    ...named.map((shard) => ({
      name: shard.name,
      pieces: encodeSafetensors(shard.held, metadata),
    })),
    { name: indexName(name), pieces: [text] },
  ];
}

interface ShardOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Bytes of tensors in a file. */
  readonly bytesMax?: number | undefined;
}

/** Tensors in their order, each shard as full as it gets; at least one shard. */
function shardsOf(tensors: readonly NamedTensor[], bytesMax: number): NamedTensor[][] {
  const shards: NamedTensor[][] = [[]];
  let held = 0;
  for (const tensor of tensors) {
    if (held > 0 && held + tensor.bytes.length > bytesMax) {
      shards.push([]);
      held = 0;
    }
    shards.at(-1)?.push(tensor);
    held += tensor.bytes.length;
  }
  return shards;
}

function partsOf(name: string): readonly [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
}
