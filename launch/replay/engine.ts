/**
 * @file An engine that replays a fixed time in place of computing: what a step costs beside its compute shows then.
 *
 * A leaf waits and takes no core, as a GPU's does. Each node has the same small gradient of the right length.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parameterTable } from '../../shared/model/parameters.ts';
import type { EngineStart, LeafComputer } from '../../worker/prepare.ts';

/** Small enough that no model diverges, and no denormal. */
const GRADIENT = 1e-4;
const LOSS = 1;

/** Starts an engine whose leaves take `leafMs`. */
export function replayEngine(leafMs: number): EngineStart {
  return async ({ spec }) => {
    const length = parameterTable(spec.model).size - (spec.frozen ?? 0);
    let before: Float32Array | undefined;
    let gradient = new Float32Array(0);
    let left = 0;
    let samples = 0;
    const engine: LeafComputer = {
      id: 'replay',
      processor: '',
      description: `replay of ${leafMs} ms a leaf`,
      slots: 1,
      devices: undefined,
      async setParameters(parameters) {
        const free = before;
        before = parameters;
        return free?.length === parameters.length ? free : undefined;
      },
      async leaf(task, { leaf }, { weights }) {
        await sleep(leafMs);
        if (leaf === task.first) [left, samples] = [task.count, 0];
        left -= 1;
        samples += weights.reduce((sum, weight) => sum + weight, 0);
        if (left > 0) return { computeMs: leafMs, node: undefined, features: undefined };
        // One that was pushed may have moved away.
        if (gradient.length !== length) gradient = new Float32Array(length).fill(GRADIENT);
        const node = {
          ...{ lossSum: LOSS * samples, correct: 0, samples, gradient },
          ...{ broken: undefined, devices: undefined },
        };
        return { computeMs: leafMs, node, features: undefined };
      },
      async close() {},
    };
    return engine;
  };
}
