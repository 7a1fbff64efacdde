/** @file Charts as SVG, drawn without a browser: the one door to echarts. */
import { HeatmapChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, TitleComponent, VisualMapComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { finest, formatterOf, labelWidth, shortened, TILT } from './labels.ts';
import { type LegendEntry, legend, type Mark } from './legend.ts';
import { COLOURS, FONT_FAMILY, picture } from './svg.ts';

echarts.use([
  GridComponent,
  HeatmapChart,
  LineChart,
  ScatterChart,
  SVGRenderer,
  TitleComponent,
  VisualMapComponent,
]);

/** Colours of the series. Source  Okabe and Ito's palette, without its yellow, which white swallows. */
const PALETTE = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'];

/** A line, or the dots of a scatter chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** A line, or the dots of a scatter chart, unless something else is said. */
  readonly mark?: Mark;
  /** Thin and pale, and not in the legend. */
  readonly isFaint?: boolean;
  /** A line without a mark at each of its points; a single point has one. */
  readonly isBare?: boolean;
  /** Number of its colour: series of one thing share one. */
  readonly colour?: number;
}

/** One chart of a picture. */
export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly kind: 'line' | 'scatter';
  readonly series: readonly Series[];
  readonly yMin?: number;
  readonly yMax?: number;
  readonly xMax?: number;
  /** Shows x by its logarithm. */
  readonly isLog?: boolean;
  /** Shows y as a percentage. */
  readonly isShare?: boolean;
}

const PANEL_WIDTH = 460;
const PANEL_HEIGHT = 380;
/** Of panels in a second row. */
const SMALL_HEIGHT = 270;
const MARGIN = { left: 68, right: 22, top: 50, bottom: 56 } as const;
/** Below the legend. */
const BOTTOM = 14;

/** The colour of a number: series of one thing share one. */
export function colourOf(number: number): string {
  return PALETTE[number % PALETTE.length] as string;
}

/**
 * Panels side by side, smaller ones in a row below them, and their one legend at the bottom: by default an entry for each
 * name that is drawn.
 */
export function panels(
  all: readonly Panel[],
  groups = [entriesOf(all)],
  small: readonly Panel[] = [],
): string {
  const width = all.length * PANEL_WIDTH;
  const charted = PANEL_HEIGHT + (small.length === 0 ? 0 : SMALL_HEIGHT);
  const place = { left: MARGIN.left, top: charted, width: width - MARGIN.left - MARGIN.right };
  const { parts, height } = legend(groups, place);
  const row = { top: 0, width: PANEL_WIDTH, height: PANEL_HEIGHT };
  const below = { top: PANEL_HEIGHT, width: width / small.length, height: SMALL_HEIGHT };
  const placed = [
    ...all.map((panel, at) => ({ panel, ...row, left: at * row.width })),
    ...small.map((panel, at) => ({ panel, ...below, left: at * below.width })),
  ];
  return picture(width, charted + height + BOTTOM, [
    charts(placed, { width, height: charted }),
    ...parts,
  ]);
}

/** A panel in its rectangle of a picture. */
interface Placed {
  readonly panel: Panel;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function entriesOf(all: readonly Panel[]): readonly LegendEntry[] {
  const entries = new Map<string, LegendEntry>();
  for (const { series, kind } of all) {
    const usual = kind === 'line' ? 'line' : 'dot';
    for (const [number, { name, colour = number, mark = usual, isFaint }] of series.entries()) {
      if (isFaint || entries.has(name)) continue;
      entries.set(name, { label: name, colour: colourOf(colour), mark });
    }
  }
  return [...entries.values()];
}

function charts(
  all: readonly Placed[],
  { width, height }: { readonly width: number; readonly height: number },
): string {
  return drawn(width, height, {
    title: all.map(({ panel, left, top }) => ({
      text: panel.title,
      left: left + MARGIN.left,
      top: top + 12,
      textStyle: { fontSize: 16, color: COLOURS.ink },
    })),
    grid: all.map((place) => ({
      left: place.left + MARGIN.left,
      top: place.top + MARGIN.top,
      width: place.width - MARGIN.left - MARGIN.right,
      height: place.height - MARGIN.top - MARGIN.bottom,
    })),
    xAxis: all.map(({ panel }, at) => ({
      ...axis(panel.xLabel, 30),
      gridIndex: at,
      ...(panel.isLog ? LOG_AXIS : { minInterval: 1, min: 0 }),
      ...(panel.xMax !== undefined && { max: panel.xMax }),
    })),
    yAxis: all.map(({ panel }, at) => ({
      ...axis(panel.yLabel, 50),
      gridIndex: at,
      scale: true,
      ...(!panel.isShare && { minInterval: finest(panel) }),
      ...(panel.yMin !== undefined && { min: panel.yMin }),
      ...(panel.yMax !== undefined && { max: panel.yMax }),
      axisLabel: { color: COLOURS.faint, ...formatterOf(panel) },
    })),
    series: all.flatMap(({ panel }, at) =>
      panel.series.map((series, n) => drawSeries(panel, series, at, n)),
    ),
  });
}

/** Powers of ten. */
const LOG_AXIS = {
  type: 'log',
  axisLabel: {
    color: COLOURS.faint,
    formatter: (value: number) => value.toExponential(0).replace('+0', '0'),
  },
} as const;

function drawSeries(panel: Panel, series: Series, at: number, number: number) {
  const { name, points, mark, isFaint, isBare, colour = number } = series;
  const hasMarks = isBare ? points.length === 1 : points.length <= 30;
  return {
    name: isFaint ? `${name} ` : name,
    type: panel.kind,
    xAxisIndex: at,
    yAxisIndex: at,
    data: points,
    color: colourOf(colour),
    showSymbol: !isFaint && hasMarks,
    ...(mark === 'diamond'
      ? { symbol: 'diamond', symbolSize: 12 }
      : { symbolSize: panel.kind === 'scatter' ? 7 : 5 }),
    lineStyle: {
      width: isFaint ? 1 : 2,
      opacity: isFaint ? 0.25 : 1,
      type: mark === 'dashed' || mark === 'dotted' ? mark : 'solid',
    },
  };
}

/** A table of numbers as colours, its first row on top. */
export interface Heatmap {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** Value of each cell, row by row; the colour is by its share of the row. */
  readonly values: readonly (readonly number[])[];
}

/** A confusion matrix and the like: numbers in their cells, coloured by their share of the row. */
export function heatmap(table: Heatmap): string {
  const { rows, columns, values } = table;
  const cell = Math.max(30, Math.min(72, 640 / columns.length));
  const names = [shortened(rows), shortened(columns)] as const;
  const left = 52 + Math.max(...names[0].map(labelWidth), 30);
  const [width, height] = [columns.length * cell, rows.length * cell];
  const data = values.flatMap((row, y) => {
    const sum = Math.max(
      1,
      row.reduce((a, b) => a + b, 0),
    );
    return row.map((value, x) => {
      const isDark = value / sum > 0.55;
      const label = {
        show: cell >= 24,
        formatter: String(value),
        color: isDark ? '#fff' : COLOURS.ink,
      };
      return { value: [x, y, value / sum], label };
    });
  });
  const category = (names: readonly string[]) => ({
    type: 'category' as const,
    data: [...names],
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { show: false },
    nameLocation: 'middle' as const,
    nameTextStyle: { fontSize: 13, color: COLOURS.ink },
  });
  const longest = Math.max(...names[1].map(labelWidth));
  const isTilted = longest > cell;
  const below = isTilted ? longest * Math.sin((TILT * Math.PI) / 180) + 14 : 14;
  return drawn(left + width + 30, 56 + height + below + 60, {
    title: {
      text: table.title,
      left: 16,
      top: 12,
      textStyle: { fontSize: 16, color: COLOURS.ink },
    },
    grid: { left, top: 56, width, height },
    xAxis: {
      ...category(names[1]),
      name: table.xLabel,
      nameGap: below + 20,
      axisLabel: { interval: 0, rotate: isTilted ? TILT : 0, color: COLOURS.ink },
    },
    yAxis: {
      ...category(names[0]),
      name: table.yLabel,
      nameGap: left - 24,
      inverse: true,
      axisLabel: { interval: 0, color: COLOURS.ink },
    },
    visualMap: {
      show: false,
      min: 0,
      max: 1,
      inRange: { color: ['#f7fbff', '#6baed6', '#08306b'] },
    },
    series: { type: 'heatmap', data, itemStyle: { borderColor: '#fff', borderWidth: 1 } },
  });
}

function axis(name: string, nameGap: number) {
  return {
    type: 'value' as const,
    name,
    nameGap,
    nameLocation: 'middle' as const,
    nameTextStyle: { fontSize: 13, color: COLOURS.ink },
    axisLine: { show: true, lineStyle: { color: COLOURS.faint } },
    axisLabel: { color: COLOURS.faint },
    splitLine: { lineStyle: { color: COLOURS.rule } },
  };
}

function drawn(width: number, height: number, option: object): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: `${FONT_FAMILY}, sans-serif` },
      ...option,
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
