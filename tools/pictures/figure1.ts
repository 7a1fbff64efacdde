/** @file The whole Vision Transformer in one drawing, with any part of it lit: a figure 1 of our own. Pure. */
import {
  arrow,
  box,
  caption,
  circle,
  label,
  MARKS,
  numbers,
  PHOTO,
  patchOfPhoto,
  STYLE,
} from './figure1-marks.ts';
import type { FigurePart } from './figure1-parts.ts';
import { FONT_FAMILY } from './svg.ts';

/** Sizes that are written into the drawing. */
export interface FigureSizes {
  readonly imageSize: number;
  readonly channels: number;
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly mlpWidth: number;
  readonly numClasses: number;
}

const WIDTH = 960;
const HEIGHT = 568;
/** Middles of the rows of patches and tokens; the class token is above, the last one is below the dots. */
const ROWS = [116, 154, 192, 250] as const;
const CLASS_ROW = 80;
const DOTS_ROW = 222;
const CAPTIONS = 292;
/** Middle of the flow through one block. */
const FLOW = 456;

/** Draws the model in the sizes given. With `lit`, all other parts are faint. */
export function figure1(sizes: FigureSizes, lit?: FigurePart): string {
  const groups = GROUPS.map(({ parts, draw }) => {
    const isFaint = lit !== undefined && !parts.includes(lit);
    return `<g${isFaint ? ' class="off"' : ''}>${draw(sizes).join('')}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT_FAMILY}, Verdana, sans-serif">
<style>${STYLE}</style>
<defs>${PHOTO}${MARKS}</defs>
<rect class="page" width="100%" height="100%" rx="14"/>
${groups.join('\n')}
</svg>
`;
}

/** What is drawn, from below, and with which parts it is lit. */
const GROUPS: readonly {
  readonly parts: readonly FigurePart[];
  draw(sizes: FigureSizes): readonly string[];
}[] = [
  { parts: ['patches'], draw: patches },
  { parts: ['embedding'], draw: embedding },
  { parts: ['encoder'], draw: encoder },
  { parts: ['attention'], draw: attention },
  { parts: ['mlp'], draw: mlp },
  { parts: ['head'], draw: head },
  {
    parts: ['attention', 'encoder'],
    draw: () => [
      label('equation 2: z′ = MSA(LN(z)) + z', { x: 282, y: FLOW + 68, anchor: 'middle' }),
    ],
  },
  {
    parts: ['mlp', 'encoder'],
    draw: () => [
      label('equation 3: z = MLP(LN(z′)) + z′', { x: 694, y: FLOW + 68, anchor: 'middle' }),
    ],
  },
];

function numPatches({ imageSize, patchSize }: FigureSizes): number {
  return (imageSize / patchSize) ** 2;
}

function patches(sizes: FigureSizes): string[] {
  const { imageSize, patchSize, channels } = sizes;
  const grid = [1, 2, 3].map((n) => {
    const at = 37.5 * n;
    return `M${28 + at} 108v150M28 ${108 + at}h150`;
  });
  return [
    label('an image becomes patches', { x: 28, y: 44, isBold: true, kind: 'patches' }),
    '<use href="#photo" x="28" y="108" width="150" height="150"/>',
    `<path d="${grid.join('')}" stroke="#ffffff" stroke-width="2"/>`,
    arrow(186, 183, 210, 183),
    ...ROWS.map((y, at) => patchOfPhoto(at === 3 ? 15 : at, { x: 218, y: y - 15, size: 30 })),
    label('⋮', { x: 233, y: DOTS_ROW + 5, anchor: 'middle' }),
    caption(103, CAPTIONS, 'H × W × C', `${imageSize} × ${imageSize} × ${channels}`),
    caption(233, CAPTIONS, 'N × P²C', `${numPatches(sizes)} × ${patchSize ** 2 * channels}`),
  ];
}

function embedding(sizes: FigureSizes): string[] {
  const { width } = sizes;
  const names = ['1', '2', '3', 'N'];
  const token = (y: number, name: string, kind: string) => [
    circle(name, { x: 372, y, kind: 'position' }),
    label('+', { x: 390, y: y + 5, anchor: 'middle' }),
    numbers({ x: 402, y: y - 9, kind }),
  ];
  return [
    label('equation 1', { x: 290, y: 44, isBold: true, kind: 'embedding' }),
    arrow(258, 183, 282, 183),
    box('E', { x: 290, y: 100, width: 40, height: 166, kind: 'embedding', size: 20 }),
    arrow(334, 183, 356, 183),
    label('class', { x: 356, y: CLASS_ROW + 5, anchor: 'end', kind: 'faint' }),
    ...token(CLASS_ROW, '0', 'head'),
    ...ROWS.flatMap((y, at) => token(y, names[at] ?? '', 'embedding')),
    label('⋮', { x: 437, y: DOTS_ROW + 5, anchor: 'middle' }),
    caption(420, CAPTIONS, 'tokens z₀: (N + 1) × D', `${numPatches(sizes) + 1} × ${width}`),
  ];
}

function encoder(sizes: FigureSizes): string[] {
  const { depth, width } = sizes;
  const shape = `${numPatches(sizes) + 1} × ${width}`;
  const half = (x: number, end: number) =>
    `<path class="wire" d="M${x} ${FLOW}v-62q0 -10 10 -10H${end - 10}q10 0 10 10v43" marker-end="url(#tip)"/>`;
  return [
    label('equations 2, 3', { x: 566, y: 44, isBold: true, anchor: 'middle' }),
    arrow(478, 183, 500, 183),
    ...[12, 6, 0].map(
      (shift) =>
        `<rect class="card" x="${508 + shift}" y="${96 + shift}" width="104" height="160" rx="10"/>`,
    ),
    label('encoder', { x: 560, y: 166, anchor: 'middle', isBold: true }),
    label('block', { x: 560, y: 184, anchor: 'middle', isBold: true }),
    label(`× L = ${depth}`, { x: 560, y: 212, anchor: 'middle' }),
    caption(566, CAPTIONS, '(N + 1) × D, again', shape),
    // Seen from near.
    '<path class="ray" d="M522 318h88L920 344H40z"/>',
    '<rect class="card" x="28" y="344" width="904" height="200" rx="12"/>',
    label('inside one block', { x: 44, y: 370, isBold: true }),
    box('LN', { x: 108, y: FLOW - 40, width: 44, height: 80, kind: 'norm', size: 15 }),
    box('LN', { x: 520, y: FLOW - 40, width: 44, height: 80, kind: 'norm', size: 15 }),
    label('z', { x: 56, y: FLOW + 5, anchor: 'middle', isBold: true }),
    half(88, 452),
    half(500, 862),
    arrow(66, FLOW, 104, FLOW),
    arrow(154, FLOW, 174, FLOW),
    arrow(412, FLOW, 436, FLOW),
    circle('+', { x: 452, y: FLOW, kind: 'sum', r: 14 }),
    arrow(466, FLOW, 516, FLOW),
    label('z′', { x: 484, y: FLOW - 12, anchor: 'middle', isBold: true }),
    arrow(566, FLOW, 586, FLOW),
    arrow(822, FLOW, 846, FLOW),
    circle('+', { x: 862, y: FLOW, kind: 'sum', r: 14 }),
    arrow(876, FLOW, 904, FLOW),
    label('z', { x: 914, y: FLOW + 5, anchor: 'middle', isBold: true }),
    label('what came in is added again', { x: 270, y: 378, anchor: 'middle', kind: 'faint' }),
    label('and again', { x: 681, y: 378, anchor: 'middle', kind: 'faint' }),
  ];
}

function attention({ heads, width }: FigureSizes): string[] {
  // The weights of one head: each row has its own bright places.
  const matrix = (x: number, turn: number) =>
    Array.from({ length: 16 }, (_, at) => {
      const share = 0.2 + 0.75 * Math.abs(Math.sin(1.7 * at * at + turn));
      const [column, row] = [at % 4, Math.floor(at / 4)];
      return `<rect class="on" x="${x + 11 * column}" y="${FLOW - 24 + 11 * row}" width="10" height="10" opacity="${share.toFixed(2)}"/>`;
    }).join('');
  return [
    box('', { x: 178, y: FLOW - 62, width: 232, height: 104, kind: 'attention' }),
    label('multi-head self-attention', { x: 294, y: FLOW - 42, anchor: 'middle', kind: 'on' }),
    matrix(196, 0.4),
    matrix(252, 2.1),
    label('…', { x: 320, y: FLOW + 4, anchor: 'middle', kind: 'on' }),
    matrix(344, 4.2),
    label(`${heads} heads of ${width / heads}`, {
      ...{ x: 294, y: FLOW + 35, anchor: 'middle', kind: 'on', size: 11 },
    }),
  ];
}

function mlp({ width, mlpWidth }: FigureSizes): string[] {
  const column = (x: number, height: number) =>
    `<rect class="on" x="${x}" y="${FLOW - 2 - height / 2}" width="12" height="${height}" rx="3" opacity=".9"/>`;
  const fan = (x: number, from: number, to: number) =>
    `<path class="on" opacity=".4" d="M${x} ${FLOW - 2 - from / 2}L${x + 52} ${FLOW - 2 - to / 2}v${to}L${x} ${FLOW - 2 + from / 2}z"/>`;
  const size = { anchor: 'middle', kind: 'on', size: 11 } as const;
  return [
    box('', { x: 590, y: FLOW - 62, width: 230, height: 104, kind: 'mlp' }),
    label('MLP', { x: 705, y: FLOW - 42, anchor: 'middle', kind: 'on' }),
    ...[fan(647, 18, 50), fan(711, 50, 18)],
    ...[column(635, 18), column(699, 50), column(763, 18)],
    label('GELU', { ...size, x: 748, y: FLOW - 26 }),
    label(`${width}`, { ...size, x: 641, y: FLOW + 35 }),
    label(`${mlpWidth}`, { ...size, x: 705, y: FLOW + 36 }),
    label(`${width}`, { ...size, x: 769, y: FLOW + 35 }),
  ];
}

function head({ width, numClasses }: FigureSizes): string[] {
  const guesses = [
    ['pizza', 46],
    ['steak', 12],
    ['sushi', 6],
  ] as const;
  return [
    label('equation 4', { x: 652, y: 44, isBold: true, kind: 'head' }),
    arrow(628, 183, 648, 183),
    numbers({ x: 656, y: CLASS_ROW - 9, kind: 'head' }),
    ...ROWS.map((y) => numbers({ x: 656, y: y - 9, kind: 'cell' })),
    label('⋮', { x: 691, y: DOTS_ROW + 5, anchor: 'middle' }),
    arrow(732, CLASS_ROW, 752, CLASS_ROW),
    box('LN', { x: 756, y: CLASS_ROW - 18, width: 36, height: 36, kind: 'norm', size: 13 }),
    arrow(794, CLASS_ROW, 814, CLASS_ROW),
    box('head', { x: 818, y: CLASS_ROW - 18, width: 54, height: 36, kind: 'head', size: 13 }),
    `<path class="wire" d="M845 ${CLASS_ROW + 20}v26" marker-end="url(#tip)"/>`,
    ...guesses.flatMap(([name, length], at) => [
      label(name, { x: 838, y: 152 + 26 * at, anchor: 'end' }),
      `<rect class="head" x="846" y="${139 + 26 * at}" width="${length}" height="16" rx="3"/>`,
    ]),
    caption(700, CAPTIONS, 'zᴸ: only row 0 is used', `${width}`),
    caption(858, CAPTIONS, 'y, then classes', `${width}, then ${numClasses}`),
  ];
}
