/** The steps of one run as the page has them: asked for once, and then what is new. */
import { ask, pathOf } from './text.js';

const POINTS = 600;

/** Steps of one run as the page has them. */
export class RunCurves {
  constructor(id) {
    this.id = id;
    this.data = undefined;
  }

  async load(view) {
    const query = new URLSearchParams({ points: POINTS, ...view });
    const { data } = this;
    const isSame = data !== undefined && this.view === JSON.stringify(view);
    if (isSame && data.step.length > 0) {
      query.set('bucket', data.bucket);
      query.set('after', data.first + data.step.length - 1);
    }
    const fresh = await ask(`${pathOf(this.id, 'steps')}?${query}`);
    this.view = JSON.stringify(view);
    const keep = isSame && fresh.bucket === data.bucket ? fresh.first - data.first : 0;
    this.data = keep > 0 ? joined(data, fresh, keep) : fresh;
  }

  /** Where its steps lie on the axis; epochs are fractions, by the steps of whole epochs. */
  xs(axis, steps, times) {
    const { data } = this;
    if (axis === 'time') return times.map((time) => time - (this.began ?? data.time[0] ?? 0));
    if (axis === 'epoch' && this.stepsPerEpoch > 0)
      return steps.map((step) => step / this.stepsPerEpoch);
    return steps;
  }
}

function joined(old, fresh, keep) {
  const join = (before, after) => before.slice(0, keep).concat(after);
  const values = {};
  for (const [name, bucket] of Object.entries(fresh.values)) {
    values[name] = {};
    for (const kind of ['min', 'max', 'mean']) {
      values[name][kind] = join(old.values[name][kind], bucket[kind]);
    }
  }
  const { evaluations } = fresh;
  return {
    ...{ bucket: old.bucket, first: old.first, values, evaluations },
    ...{
      step: join(old.step, fresh.step),
      epoch: join(old.epoch, fresh.epoch),
      time: join(old.time, fresh.time),
    },
  };
}

/** An average in which newer values count more. */
export function smoothed(values, weight) {
  let [sum, mass] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}
