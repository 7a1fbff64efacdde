/** @file Which pixels of an image become the square that the model sees. Pure arithmetic, in pixels. */

/** Height and width of an image. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** A rectangle of an image. */
export interface Box extends ImageSize {
  readonly left: number;
  readonly top: number;
}

/** A part of an image of any size. */
export interface CropRegion {
  /** Share of the image's area, in (0, 1]. */
  readonly area: number;
  /** Width over height. */
  readonly aspect: number;
  /** Where the part lies in the room that is left: 0 at the left edge, just below 1 at the right one. */
  readonly left: number;
  /** The same from top to bottom. */
  readonly top: number;
}

/** Cut, scale, cut: what makes a square of an image. */
export interface ResizePlan {
  readonly cutBefore: Box | undefined;
  readonly scaleTo: ImageSize;
  readonly cutAfter: Box | undefined;
}

/** How the square is taken when no region is asked for. */
export interface ResizeOptions {
  /** Side of the square. */
  readonly imageSize: number;
  readonly resize: 'stretch' | 'crop' | 'squash';
  /** With crop and squash: side of the centre crop over the short side. */
  readonly cropFraction: number;
  /** Where the centre lies when the room around it is odd; `even` when it is not given. */
  readonly cropRounding?: 'even' | 'down' | undefined;
}

/**
 * Plans how an image of `size` becomes a square.
 *
 * Source  resize `crop` follows timm's evaluation transform: the short side goes to floor(imageSize /
 *         cropFraction), the long side in proportion, then the centre is cut; `squash` its crop mode of that
 *         name, and transformers' resize to a square before a centre crop: both sides go there.
 */
export function planResize(
  size: ImageSize,
  options: ResizeOptions,
  region: CropRegion | undefined,
): ResizePlan {
  const { imageSize, resize, cropFraction, cropRounding = 'even' } = options;
  const square = { width: imageSize, height: imageSize };
  if (region !== undefined) {
    return { cutBefore: regionBox(size, region), scaleTo: square, cutAfter: undefined };
  }
  if (resize === 'stretch') return { cutBefore: undefined, scaleTo: square, cutAfter: undefined };
  const scaledShort = Math.floor(imageSize / cropFraction);
  const scaleTo =
    resize === 'squash'
      ? { width: scaledShort, height: scaledShort }
      : inProportion(size, scaledShort);
  const left = HALVES[cropRounding](scaleTo.width - imageSize);
  const top = HALVES[cropRounding](scaleTo.height - imageSize);
  const isWhole = scaleTo.width === imageSize && scaleTo.height === imageSize;
  return {
    cutBefore: undefined,
    scaleTo,
    cutAfter: isWhole ? undefined : { left, top, ...square },
  };
}

/** The size of an image whose short side is `short`. */
function inProportion({ width, height }: ImageSize, short: number): ImageSize {
  const scale = short / Math.min(width, height);
  return {
    width: Math.max(short, Math.floor(width * scale)),
    height: Math.max(short, Math.floor(height * scale)),
  };
}

/** Half of a whole number: torchvision's centre crop takes the even one where it lies between, transformers' the lower. */
const HALVES = {
  even(room: number): number {
    const half = Math.floor(room / 2);
    return room % 2 === 0 || half % 2 === 0 ? half : half + 1;
  },
  down: (room: number) => Math.floor(room / 2),
} as const;

/** The pixels of a region; one that is too long for the image is cut to its edge. */
function regionBox(size: ImageSize, region: CropRegion): Box {
  const area = size.width * size.height * region.area;
  const width = clamp(Math.round(Math.sqrt(area * region.aspect)), size.width);
  const height = clamp(Math.round(Math.sqrt(area / region.aspect)), size.height);
  return {
    left: Math.floor(region.left * (size.width - width + 1)),
    top: Math.floor(region.top * (size.height - height + 1)),
    width,
    height,
  };
}

function clamp(side: number, limit: number): number {
  return Math.min(Math.max(side, 1), limit);
}
