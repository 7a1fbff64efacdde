/** The config of a run, with where each value comes from, and what computes it. */
import { ask, at, make, pathOf } from './text.js';

export class Config {
  #of;
  #found;

  constructor(idOf, onLost) {
    const draw = () => this.#draw(idOf()).catch(onLost);
    at('config-box').addEventListener('toggle', draw);
    at('config-filter').addEventListener('input', draw);
    at('given').addEventListener('change', draw);
  }

  async #draw(id) {
    if (!at('config-box').open) return;
    // What computes the run may have changed since.
    if (this.#of !== id || !at('config-filter').value) {
      this.#found = await ask(pathOf(id, 'config'));
      this.#of = id;
    }
    const { config, origins, engines } = this.#found;
    const word = at('config-filter').value.toLowerCase();
    at('given-label').hidden = origins === null;
    at('config').parentElement.classList.toggle('bare', origins === null);
    const rows = flat(config)
      .map(([key, value]) => [key, value, origins === null ? '' : (origins[key] ?? 'default')])
      .filter(([key]) => key.toLowerCase().includes(word))
      .filter(([, , from]) => origins === null || !at('given').checked || from !== 'default');
    at('config').replaceChildren(
      ...rows.map(([key, value, from]) =>
        make(
          'tr',
          { class: from === 'default' ? 'default' : '' },
          ...[key, value, from].map((cell) => make('td', {}, cell)),
        ),
      ),
    );
    const computed = engines.map(({ name, afterStep }) =>
      afterStep === 0 ? name : `${name} (from step ${afterStep + 1})`,
    );
    at('engines').textContent = computed.length === 0 ? '' : `Computed by ${computed.join('; ')}.`;
  }
}

function flat(value, key = '') {
  if (typeof value === 'string') return [[key, value]];
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [[key, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flat(inner, key === '' ? name : `${key}.${name}`),
  );
}
