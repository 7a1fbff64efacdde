/** @file `tessera plot figure1`: a whole model in one drawing, with a part of it lit. */
import { parseVariant } from '../../shared/model/variants.ts';
import { figure1 } from '../../tools/pictures/figure1.ts';
import type { FigurePart } from '../../tools/pictures/figure1-parts.ts';
import { writePicture } from '../../tools/pictures/render.ts';
import { print } from '../terminal/output.ts';

/** Flags of `plot figure1`. */
export interface Figure1Options {
  /** A size such as B/16. */
  readonly model: string;
  readonly imageSize: number;
  readonly classes: number;
  /** The part that is not faint; all of them unless given. */
  readonly light?: FigurePart;
  readonly out: string;
}

/** Draws a model of a public size. Throws  CONFIG_INVALID when there is no such size. */
export async function plotFigure1(options: Figure1Options): Promise<void> {
  const { model, imageSize, classes, light, out } = options;
  const sizes = { ...parseVariant(model), imageSize, channels: 3, numClasses: classes };
  await writePicture(out, figure1(sizes, light));
  print([out]);
}
