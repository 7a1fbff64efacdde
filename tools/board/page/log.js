/** The log: lines of the run and of all workers, the newest first, with a filter. */
import { at, make } from './text.js';

const SHOWN_MAX = 500;
const KEPT_MAX = 1000;

export class Log {
  #lines = [];

  constructor() {
    at('filter').addEventListener('input', () => this.draw());
    at('warnings').addEventListener('change', () => this.draw());
  }

  clear() {
    this.#lines = [];
  }

  add(line) {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_MAX) this.#lines.splice(0, this.#lines.length - KEPT_MAX);
  }

  draw() {
    const words = at('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    const isWanted = ({ text, mood }) =>
      words.every((word) => text.toLowerCase().includes(word)) &&
      (!at('warnings').checked || mood === 'warning' || mood === 'bad');
    const shown = this.#lines.filter(isWanted).slice(-SHOWN_MAX).toReversed();
    at('log').replaceChildren(
      ...shown.map(({ time, mood, text }) => {
        const clock = new Date(time).toLocaleTimeString([], { hour12: false });
        return make('li', { class: mood }, make('time', { datetime: time }, clock), text);
      }),
    );
  }
}
