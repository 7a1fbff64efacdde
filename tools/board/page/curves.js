/** The curves of runs: buckets with least, most and mean from the server, drawn by uPlot. */
import { RunCurves, smoothed } from './run-curves.js';
import { at, clock, colour, figure, make, percent, share } from './text.js';

const CHARTS = [
  { value: 'loss', title: 'Loss', large: true, format: figure },
  { value: 'accuracy', title: 'Accuracy', large: true, format: percent, mark: share },
  { value: 'imagesPerSecond', title: 'Images per second', format: figure },
  { value: 'learningRate', title: 'Learning rate', format: figure },
  { value: 'gradientNorm', title: 'Gradient norm', format: figure },
];
const COLOURS = ['blue', 'violet', 'teal', 'orange', 'green', 'red'];
const SPLIT_COLOURS = { validation: 'green', test: 'orange' };

export class Curves {
  runs = new Map();
  shown = new Set();
  axis = 'step';
  weight = 0.6;
  view = {};
  plots = [];
  #loading = false;
  #again = false;

  constructor(onZoom) {
    this.onZoom = onZoom;
    for (const chart of CHARTS) {
      const legend = make('ul', { class: 'legend' });
      const output = make('output', { 'aria-live': 'off' });
      const place = make('div', { role: 'img', 'aria-label': `Chart: ${chart.title}` });
      const head = make(
        'div',
        { class: 'chart-head' },
        make('h3', {}, chart.title),
        legend,
        output,
      );
      at('charts').append(
        make(
          'div',
          { class: chart.large ? 'chart large' : 'chart', 'data-chart': chart.value },
          head,
          place,
        ),
      );
      this.plots.push({ chart, legend, output, place, plot: undefined, key: '' });
    }
    new ResizeObserver(() => this.#resize()).observe(at('charts'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw(true));
  }

  run(id) {
    if (!this.runs.has(id)) this.runs.set(id, new RunCurves(id));
    return this.runs.get(id);
  }

  /** Asks for what is new, one question at a time, and draws. */
  async refresh() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      do {
        this.#again = false;
        await Promise.all([...this.shown].map((id) => this.run(id).load(this.view)));
        this.draw();
      } while (this.#again);
    } finally {
      this.#loading = false;
    }
  }

  draw(isAnew = false) {
    for (const plot of this.plots) this.#draw(plot, isAnew);
  }

  #lines(value) {
    const isOne = this.shown.size === 1;
    return [...this.shown].flatMap((id, place) => {
      const run = this.run(id);
      if (run.data === undefined) return [];
      const { step, time, values } = run.data;
      const own = COLOURS[place % COLOURS.length];
      const { min, max, mean } = values[value];
      const lines = [
        {
          label: isOne ? 'train' : id,
          colour: own,
          xs: run.xs(this.axis, step, time),
          ys: smoothed(mean, this.weight),
          min,
          max,
        },
      ];
      const splits = value === 'loss' || value === 'accuracy' ? ['validation', 'test'] : [];
      return [
        ...lines,
        ...splits.flatMap((split) => this.#ofSplit(run, split, { value, own, isOne })),
      ];
    });
  }

  #ofSplit(run, split, { value, own, isOne }) {
    const { id } = run;
    const of = run.data.evaluations.filter((one) => one.split === split);
    if (of.length === 0) return [];
    const steps = of.map((one) => one.step);
    const times = of.map((one) => one.time);
    const xs = run.xs(this.axis, steps, times);
    const pairs = new Map(xs.map((x, index) => [x, of[index][value]]));
    const sorted = [...pairs].sort(([a], [b]) => a - b);
    return [
      {
        ...{
          label: isOne ? split : `${split} of ${id}`,
          colour: isOne ? SPLIT_COLOURS[split] : own,
          isDashed: !isOne,
        },
        ...{ xs: sorted.map(([x]) => x), ys: sorted.map(([, y]) => y), isSparse: true },
      },
    ];
  }

  #draw(held, isAnew) {
    const lines = this.#lines(held.chart.value);
    const tables = lines.map(({ xs, ys, min, max }) =>
      min === undefined ? [xs, ys] : [xs, ys, min, max],
    );
    const data = tables.length === 0 ? [[], []] : uPlot.join(tables);
    held.place.setAttribute('aria-label', inWords(held.chart, lines, this.axis));
    const key = JSON.stringify([lines.map(({ label }) => label), this.axis]);
    if (held.plot !== undefined && held.key === key && !isAnew) {
      held.plot.setData(data, true);
      return;
    }
    held.plot?.destroy();
    held.key = key;
    held.lines = lines;
    held.plot = new uPlot(this.#options(held, lines), data, held.place);
    // Of several runs, colours are those of runs.
    const isOne = this.shown.size === 1;
    const named = isOne ? lines : lines.filter(({ isSparse }) => !isSparse);
    const entries = lines.length > 1 && (isOne || held.chart.large) ? named : [];
    held.legend.replaceChildren(
      ...entries.map((line) => {
        const sign = make('i');
        sign.style.background = colour(line.colour);
        return make('li', {}, sign, line.label);
      }),
    );
  }

  #options(held, lines) {
    const { chart, place, output } = held;
    const [text, grid] = [colour('soft'), colour('line')];
    const series = [{}];
    const bands = [];
    for (const line of lines) {
      const stroke = colour(line.colour);
      series.push({
        ...{ stroke, width: line.isSparse ? 1.5 : 1.8, spanGaps: true },
        ...(line.isDashed && { dash: [6, 4] }),
        points: { show: line.isSparse === true, size: 5, fill: stroke },
      });
      if (line.min === undefined) continue;
      const faint = { stroke: 'transparent', width: 0, points: { show: false } };
      bands.push({ series: [series.length + 1, series.length], fill: `${stroke}2e` });
      series.push(faint, faint);
    }
    const axis = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    };
    const format = this.axis === 'time' ? clock : (value) => figure(value, 6);
    return {
      ...{ width: place.clientWidth || 300, height: chart.large ? 240 : 180, series, bands },
      scales: { x: { time: false } },
      axes: [
        { ...axis, size: 30, values: (_, splits) => splits.map(format) },
        {
          ...axis,
          size: 54,
          values: (_, splits) => splits.map((value) => (chart.mark ?? chart.format)(value)),
        },
      ],
      legend: { show: false },
      cursor: {
        sync: { key: 'curves' },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6 },
      },
      hooks: {
        setCursor: [(plot) => output.replaceChildren(this.#under(plot, lines, chart, format))],
        setSelect: [(plot) => this.#select(plot)],
        ready: [(plot) => plot.over.addEventListener('dblclick', () => this.onZoom(undefined))],
      },
    };
  }

  #under(plot, lines, chart, format) {
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) return '';
    let place = 1;
    const words = lines.map((line) => {
      const column = plot.data[place];
      place += line.min === undefined ? 1 : 3;
      let found = idx;
      while (found > 0 && found > idx - 200 && column[found] === undefined) found -= 1;
      return `${lines.length > 1 ? `${line.label} ` : ''}${chart.format(column[found])}`;
    });
    return `${format(plot.data[0][idx])}: ${words.join(' · ')}`;
  }

  #select(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    const range = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    const [first] = this.shown;
    const run = this.run(first);
    const { step, time } = run.data;
    const xs = run.xs(this.axis, step, time);
    const inside = step.filter((_, index) => xs[index] >= range[0] && xs[index] <= range[1]);
    if (inside.length > 1) this.onZoom({ from: inside[0], to: inside.at(-1) });
  }

  #resize() {
    for (const { plot, place, chart } of this.plots) {
      plot?.setSize({ width: place.clientWidth, height: chart.large ? 240 : 180 });
    }
  }
}

/** A chart as a sentence, for those who do not see it. */
function inWords({ title, format }, lines, axis) {
  const words = lines.map(({ label, xs, ys }) => {
    const newest = ys.findLast((value) => value !== null && value !== undefined);
    return `${label} ${format(newest)} at ${axis} ${figure(xs.at(-1), 9)}`;
  });
  return `${title}: ${words.join(', ') || 'nothing yet'}`;
}
