/** @file Training images as the model gets them, augmented and mixed, for a sheet. */
import type { RunConfig } from '../../shared/config/schema.ts';
import { formatPercent } from '../../shared/core/units.ts';
import { imageAt } from '../../shared/data/pipeline/drawing.ts';
import type { TrainingLeaf } from '../blocks/training-leaves.ts';
import { imageOf } from '../pictures/image.ts';
import type { Tile } from '../pictures/sheet.ts';

/** An image of a batch and its class. */
export type BatchTile = Tile & { readonly label: number };

/** The first `count` images of a leaf, without those that cannot be read. */
export function batchTiles(
  { images, labels, weights, samples, mix }: TrainingLeaf,
  count: number,
  of: {
    readonly classes: readonly string[];
    readonly imageSize: number;
    readonly data: RunConfig['data'];
  },
): BatchTile[] {
  const tiles: BatchTile[] = [];
  for (const [place, label] of labels.subarray(0, count).entries()) {
    if (weights[place] === 0) continue;
    const share = mix?.shares[place] ?? 1;
    const parts = [
      { label, share },
      { label: mix?.labels[place] ?? label, share: 1 - share },
    ];
    const image = imageOf(imageAt(images, place, samples.length), of.imageSize, of.data);
    tiles.push({ image, label, ...mixedTitle(parts, of.classes) });
  }
  return tiles;
}

/** A class that an image is partly of. */
interface LabelShare {
  readonly label: number;
  readonly share: number;
}

/** What an image is made of: the larger share first, one class once, and nothing that shows as 0 %. */
export function mixedTitle(
  parts: readonly LabelShare[],
  classes: readonly string[],
): { readonly title: string; readonly note?: string } {
  const shares = new Map<number, number>();
  for (const { label, share } of parts) shares.set(label, (shares.get(label) ?? 0) + share);
  const [first, ...others] = [...shares]
    .map(([label, share]) => [classes[label] ?? '', formatPercent(share), share] as const)
    .filter(([, shown]) => shown !== formatPercent(0))
    .toSorted(([, , one], [, , other]) => other - one);
  if (first === undefined) return { title: '' };
  if (others.length === 0) return { title: first[0] };
  const [title = '', note = ''] = [first, ...others].map(([name, shown]) => `${shown} ${name}`);
  return { title, note };
}
