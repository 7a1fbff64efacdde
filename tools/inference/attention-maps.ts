/** @file What attention probabilities say about a model: how far its heads look, and where a class token looks. Pure. */

/** Attention of one block. Shapes  values [B, H, T, T], the first token being the class token. */
export interface AttentionMap {
  readonly values: Float32Array;
  readonly heads: number;
  /** Patches along a side; T = side * side + 1. */
  readonly side: number;
}

/**
 * Mean distance between a patch and the patches that it attends to, weighted by attention, for each head.
 *
 * Units  pixels.
 * Source  the ViT paper (arXiv:2010.11929), figure 7 right and appendix D.7.
 */
export function meanAttentionDistance(map: AttentionMap, patchSize: number): number[] {
  const { values, heads, side } = map;
  const tokens = side * side + 1;
  const numImages = values.length / (heads * tokens * tokens);
  return Array.from({ length: heads }, (_, head) => {
    let sum = 0;
    for (let image = 0; image < numImages; image += 1) {
      for (let query = 1; query < tokens; query += 1) {
        const row = ((image * heads + head) * tokens + query) * tokens;
        sum += rowDistance(values.subarray(row, row + tokens), query - 1, side);
      }
    }
    return (patchSize * sum) / (numImages * (tokens - 1));
  });
}

/** Mean distance of one query, in patches; attention to the class token counts for nothing. */
function rowDistance(row: Float32Array, query: number, side: number): number {
  let weights = 0;
  let sum = 0;
  for (let key = 0; key < row.length - 1; key += 1) {
    const weight = row[key + 1] as number;
    const dx = (key % side) - (query % side);
    const dy = Math.floor(key / side) - Math.floor(query / side);
    weights += weight;
    sum += weight * Math.hypot(dx, dy);
  }
  return weights === 0 ? 0 : sum / weights;
}

/**
 * How much of each patch reaches the class token of the last block, of one image.
 *
 * Heads are averaged, half of each block's flow goes through its residual, and blocks are multiplied.
 *
 * Shapes  returns [side, side], with a sum of at most 1.
 * Source  Abnar and Zuidema 2020 (arXiv:2005.00928); the ViT paper's figure 6.
 */
export function attentionRollout(maps: readonly AttentionMap[], image: number): Float32Array {
  const side = maps[0]?.side ?? 0;
  const tokens = side * side + 1;
  // The class token's row of the product, from the last block to the first.
  let flow = new Float32Array(tokens);
  flow[0] = 1;
  for (const { values, heads } of maps.toReversed()) {
    const next = new Float32Array(tokens);
    for (let query = 0; query < tokens; query += 1) {
      const share = flow[query] as number;
      if (share === 0) continue;
      next[query] = (next[query] as number) + share / 2;
      for (let head = 0; head < heads; head += 1) {
        const row = ((image * heads + head) * tokens + query) * tokens;
        const gain = share / (2 * heads);
        for (let key = 0; key < tokens; key += 1) {
          next[key] = (next[key] as number) + gain * (values[row + key] as number);
        }
      }
    }
    flow = next;
  }
  return flow.slice(1);
}

/**
 * What a token of a block attends to in one image, by one head; token 0 is the class token.
 *
 * Shapes  returns [side, side]; with the class token it would sum to 1.
 */
export function tokenAttention(
  { values, side }: AttentionMap,
  head: number,
  token: number,
): Float32Array {
  const tokens = side * side + 1;
  const row = (head * tokens + token) * tokens;
  return values.slice(row + 1, row + tokens);
}

/**
 * Cosine similarity of each row with each.
 *
 * Shapes  rows [N, D] -> [N, N].
 */
export function cosineSimilarity(rows: Float32Array, width: number): Float32Array {
  const count = rows.length / width;
  const row = (at: number) => rows.subarray(at * width, (at + 1) * width);
  const norms = Array.from({ length: count }, (_, at) => Math.sqrt(dot(row(at), row(at))));
  const similarity = new Float32Array(count * count);
  for (let a = 0; a < count; a += 1) {
    for (let b = 0; b < count; b += 1) {
      const scale = (norms[a] as number) * (norms[b] as number);
      similarity[a * count + b] = scale === 0 ? 0 : dot(row(a), row(b)) / scale;
    }
  }
  return similarity;
}

/** Rounds of the iteration below: neighbours among the first components of real filters are apart by then. */
const ROUNDS = 60;

/**
 * The first principal directions of rows, by orthogonal iteration from a fixed start. Their mean is not
 * subtracted.
 *
 * Shapes  rows [N, D] -> `count` directions of D values and length 1, the most important first.
 */
export function principalComponents(
  rows: Float32Array,
  width: number,
  count: number,
): Float32Array[] {
  const numRows = rows.length / width;
  const wanted = Math.min(count, width, numRows);
  let directions: Float32Array[] = Array.from({ length: wanted }, (_, at) =>
    Float32Array.from({ length: width }, (_, i) => Math.sin((at + 1) * (i + 1))),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    directions = orthonormal(directions.map((direction) => throughRows(rows, direction, width)));
  }
  return directions;
}

/** rows^T (rows direction). */
function throughRows(rows: Float32Array, direction: Float32Array, width: number): Float32Array {
  const sum = new Float32Array(width);
  for (let first = 0; first < rows.length; first += width) {
    const row = rows.subarray(first, first + width);
    const share = dot(row, direction);
    for (let i = 0; i < width; i += 1) sum[i] = (sum[i] as number) + share * (row[i] as number);
  }
  return sum;
}

/** Gram and Schmidt's orthonormal vectors of the same span. */
function orthonormal(vectors: readonly Float32Array[]): Float32Array[] {
  const basis: Float32Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    for (const other of basis) {
      const share = dot(rest, other);
      for (let i = 0; i < rest.length; i += 1) {
        rest[i] = (rest[i] as number) - share * (other[i] as number);
      }
    }
    const norm = Math.sqrt(dot(rest, rest));
    basis.push(norm === 0 ? rest : rest.map((value) => value / norm));
  }
  return basis;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
