/** @file The parts of figure 1 that can be lit, for the flag that names one. */

/** Parts of the drawing that can be lit. The encoder is the ground on which attention and MLP are drawn. */
export const FIGURE_PARTS = [
  'patches',
  'embedding',
  'encoder',
  'attention',
  'mlp',
  'head',
] as const;

/** One of them. */
export type FigurePart = (typeof FIGURE_PARTS)[number];
