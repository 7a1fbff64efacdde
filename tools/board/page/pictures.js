/** Pictures of the newest checkpoint: which classes are confused, the worst mistakes, a batch as the model gets it. */
import { ask, at, figure, make, pathOf, percent } from './text.js';

const ASK_AGAIN_MS = 1000;

export class Pictures {
  #token;
  #state = { state: 'none', newest: null };
  #id;
  #isDrawn = '';
  #mayLook = false;

  constructor(token) {
    this.#token = token;
    at('look').addEventListener('click', () => this.#look());
  }

  /** What is new of the run. */
  refresh({ id, checkpoints, mayLook }) {
    const isOther = this.#id !== id;
    this.#id = id;
    this.#mayLook = mayLook;
    const newest = checkpoints.at(-1)?.step ?? null;
    if (isOther) return this.#ask();
    if (newest !== this.#state.newest) this.#show({ ...this.#state, newest });
  }

  async #ask() {
    try {
      this.#show(await ask(pathOf(this.#id, 'pictures')));
    } catch {
      // The page says already that there is no connection; the next state asks again.
      this.#id = undefined;
      return;
    }
    if (this.#state.state === 'working') setTimeout(() => this.#ask(), ASK_AGAIN_MS);
  }

  async #look() {
    at('look').disabled = true;
    const options = { method: 'POST', headers: { 'x-tessera-page': this.#token } };
    try {
      await ask(pathOf(this.#id, 'look'), options);
      await this.#ask();
    } catch (error) {
      at('look').disabled = false;
      at('pictures-state').textContent = error.message;
    }
  }

  #show(state) {
    this.#state = state;
    const { step, newest } = state;
    const isWorking = state.state === 'working';
    const isNewer = newest !== null && !(state.state === 'found' && step === newest);
    at('look').hidden = !this.#mayLook || !isNewer || isWorking;
    at('look').disabled = false;
    at('look').textContent = `Look at step ${figure(newest, 9)}`;
    at('pictures-state').textContent = sentenceOf(state);
    if (state.state !== 'found' || this.#isDrawn === state.json) return;
    this.#isDrawn = state.json;
    this.#draw(JSON.parse(state.json));
  }

  #draw({ evaluation, batch }) {
    const parts = [];
    if (evaluation?.matrix) parts.push(block('Confusion matrix', matrix(evaluation.matrix)));
    else if (evaluation) parts.push(block('Most often confused', pairs(evaluation.pairs)));
    if (evaluation?.mistakes.length > 0) {
      const tiles = evaluation.mistakes.map(({ label, predicted, probability, name, png }) =>
        tile(png, {
          title: `${predicted} ${percent(probability)}`,
          note: `is ${label}`,
          hover: name,
        }),
      );
      parts.push(block('Worst mistakes', make('ul', { class: 'tiles' }, ...tiles)));
    }
    const images = batch.map(({ title, note, png }) => tile(png, { title, note }));
    parts.push(
      block('The next batch, as the model gets it', make('ul', { class: 'tiles' }, ...images)),
    );
    at('pictures').replaceChildren(...parts);
  }
}

function sentenceOf({ state, step, newest, json, sentence }) {
  if (state === 'working')
    return `looking at step ${figure(step, 9)} with what the training leaves …`;
  if (state === 'failed') return sentence;
  if (state === 'none') {
    return newest === null
      ? 'There is something to look at with the first checkpoint.'
      : 'Confusion matrix, worst mistakes and a batch, when you ask.';
  }
  const { evaluation } = JSON.parse(json);
  const of = evaluation
    ? `: ${percent(evaluation.accuracy)} of ${figure(evaluation.samples, 9)} ${evaluation.split} images`
    : '';
  return `step ${figure(step, 9)}${of}`;
}

function block(title, ...children) {
  return make('div', { class: 'block' }, make('h3', {}, title), ...children);
}

function tile(png, { title, note, hover }) {
  const alt = [title, note].filter(Boolean).join(', ');
  return make(
    'li',
    { title: hover },
    make('img', { src: `data:image/png;base64,${png}`, alt }),
    make('b', {}, title),
    make('span', {}, note || ' '),
  );
}

function matrix({ classes, counts }) {
  const heads = classes.map((name) => make('th', { scope: 'col' }, make('span', {}, name)));
  const rows = counts.map((row, label) => {
    const sum = row.reduce((total, count) => total + count, 0);
    const cells = row.map((count, predicted) => {
      const cell = make(
        'td',
        { title: `${classes[label]} taken for ${classes[predicted]}: ${count}` },
        count === 0 ? '' : String(count),
      );
      const share = sum === 0 ? 0 : count / sum;
      const hue = label === predicted ? '--right' : '--wrong';
      if (count > 0) {
        const strength = Math.round(100 * Math.min(1, 0.12 + 0.88 * share));
        cell.style.background = `color-mix(in srgb, var(${hue}) ${strength}%, transparent)`;
      }
      return cell;
    });
    return make('tr', {}, make('th', { scope: 'row' }, classes[label]), ...cells);
  });
  const corner = make('td', { class: 'corner' }, 'is \\ taken for');
  const table = make(
    'table',
    { class: 'matrix' },
    make('thead', {}, make('tr', {}, corner, ...heads)),
    make('tbody', {}, ...rows),
  );
  return make(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Confusion matrix' },
    table,
  );
}

function pairs(list) {
  const rows = list.map(({ label, predicted, count }) =>
    make('tr', {}, ...[label, predicted, String(count)].map((cell) => make('td', {}, cell))),
  );
  const head = make('tr', {}, ...['Is', 'Taken for', 'Images'].map((name) => make('th', {}, name)));
  return make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows));
}
