/** One lane a worker: what its time went to, drawn as columns of shares. */
import { ask, at, bytes, colour, figure, make, pathOf } from './text.js';

const WORDS = { compute: 'compute', pull: 'pull', fetch: 'fetch', push: 'push', idle: 'idle' };
const ORDER = ['compute', 'fetch', 'pull', 'push'];
const PACE =
  'How fast it is with an image, against the median of the others; waiting does not count.';
/** A worker that is gone keeps its lane for so long. */
const GONE_MS = 10 * 60_000;

export class Lanes {
  #rows = new Map();

  constructor() {
    at('parts').append(
      ...Object.entries(WORDS).map(([part, word]) => {
        const sign = make('i');
        sign.style.background = `var(--${part})`;
        return make('li', {}, sign, word);
      }),
    );
  }

  async refresh(run, windowSeconds, status, report) {
    const found = await ask(`${pathOf(run, 'lanes')}?window=${windowSeconds}`);
    const byName = new Map((status?.workers ?? []).map((worker) => [worker.worker, worker]));
    const reports = new Map((report ?? []).map((worker) => [worker.worker, worker]));
    const drawn = new Map(found.lanes.map((lane) => [lane.worker, lane]));
    const isRecent = ({ goneMs }) => goneMs === null || found.endMs - goneMs < GONE_MS;
    const names = [
      ...new Set([...byName.keys(), ...found.lanes.filter(isRecent).map(({ worker }) => worker)]),
    ];
    names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    for (const name of names) {
      const row = this.#rows.get(name) ?? this.#added(name);
      const worker = byName.get(name);
      const lane = drawn.get(name);
      say(row, {
        name,
        worker,
        report: reports.get(name),
        goneMs: lane?.goneMs ?? null,
        isLive: status !== undefined,
      });
      if (lane !== undefined) draw(row.canvas, lane, found, name);
    }
    for (const [name, { item }] of this.#rows) {
      if (names.includes(name)) continue;
      item.remove();
      this.#rows.delete(name);
    }
    at('no-lanes').hidden = names.length > 0;
    const items = names.map((name) => this.#rows.get(name).item);
    if (items.some((item, index) => at('lanes').children[index] !== item))
      at('lanes').replaceChildren(...items);
  }

  #added(name) {
    const who = make('div');
    const canvas = make('canvas', { role: 'img', 'aria-label': `What ${name} did` });
    const speed = make('div', { class: 'speed' });
    const why = make('span', { class: 'why', hidden: '' });
    const item = make('li', { class: 'lane', 'data-worker': name }, who, canvas, speed, why);
    const row = { item, who, canvas, speed, why };
    this.#rows.set(name, row);
    return row;
  }
}

function say({ item, who, speed, why }, { name, worker, report, goneMs, isLive }) {
  const isGone = goneMs !== null || (isLive && worker === undefined);
  item.classList.toggle('gone', isGone);
  item.classList.toggle('slow', Boolean(worker?.slow));
  const device = worker
    ? [worker.deviceCount > 1 ? `${worker.deviceCount} ×` : '', worker.deviceKind].join(' ').trim()
    : '';
  const memory = worker?.memoryBytes || report?.memoryBytes;
  const about = [worker?.host, device, memory ? bytes(memory) : ''].filter(Boolean).join(' · ');
  who.replaceChildren(make('b', {}, name), make('span', { title: about }, isGone ? 'gone' : about));
  const rate = worker?.imagesPerSecond ?? report?.imagesPerSecond;
  const pace = worker?.paceRatio;
  const words = Number.isFinite(pace ?? Number.NaN)
    ? `pace ${figure(1 / pace, 2)} ×`
    : (worker?.state ?? '');
  speed.replaceChildren(
    make('b', {}, isGone ? '–' : `${figure(rate, 3)} img/s`),
    make('span', { title: PACE }, isGone ? '' : words),
  );
  const sentence = worker?.slow || worker?.lastError || '';
  why.hidden = sentence === '';
  why.textContent = sentence;
}

/** The parts of a worker's time, as a sentence for those who do not see the lane. */
function inWords(raw, parts, columns, name, times) {
  const sums = parts.map((_, part) => {
    let sum = 0;
    for (let column = 0; column < columns; column++)
      sum += raw.charCodeAt(column * parts.length + part);
    return sum;
  });
  const total = Math.max(
    1,
    sums.reduce((a, b) => a + b, 0),
  );
  const words = parts
    .map((part, place) => [part, Math.round((100 * sums[place]) / total)])
    .filter(([, share]) => share > 0)
    .map(([part, share]) => `${part} ${share}%`);
  const away = times === 0 ? '' : `; away ${times === 1 ? 'once' : `${times} times`}`;
  return `What ${name} did: ${words.join(', ') || 'nothing yet'}${away}`;
}

function draw(canvas, { shares, away }, { columns, parts, endMs, windowMs }, name) {
  const raw = atob(shares);
  canvas.setAttribute('aria-label', inWords(raw, parts, columns, name, away.length));
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(30 * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  const colours = Object.fromEntries(
    [...ORDER, 'idle', 'page'].map((part) => [part, colour(part)]),
  );
  for (let column = 0; column < columns; column++) {
    const x = Math.round((column * width) / columns);
    const wide = Math.round(((column + 1) * width) / columns) - x;
    const fromMs = endMs - windowMs + (column * windowMs) / columns;
    // A short absence is seen too: it takes the column in which it begins.
    const isAway = away.some(
      ([from, to]) => fromMs + windowMs / columns > from && (to === null || fromMs < to),
    );
    context.fillStyle = isAway ? colours.page : colours.idle;
    context.fillRect(x, 0, wide, height);
    if (isAway) {
      context.fillStyle = colours.idle;
      if (column % 3 === 0) context.fillRect(x, height / 2 - ratio, wide, 2 * ratio);
      continue;
    }
    let bottom = height;
    for (const part of ORDER) {
      const tall = (height * raw.charCodeAt(column * parts.length + parts.indexOf(part))) / 255;
      context.fillStyle = colours[part];
      context.fillRect(x, Math.max(0, bottom - tall), wide, Math.min(bottom, tall));
      bottom -= tall;
    }
  }
}
