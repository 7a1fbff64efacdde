/** @file A node is computed by one device or by several: the same sum, all of them busy, little prepared ahead. */
import { expect, it } from 'vitest';
import type { LeafInputs } from '../../../shared/compute/program.ts';
import { deferred } from '../../../shared/core/async.ts';
import { NodeComputer } from '../../../worker/compute/node-computer.ts';
import type { NodeTask } from '../../../worker/core/messages.ts';
import type { Feeder, PreparedLeaf } from '../../../worker/leaves/feeder.ts';
import { computeNode } from '../../../worker/node-work.ts';
import type { LeafComputer } from '../../../worker/prepare.ts';
import { TimeLedger } from '../../../worker/time-ledger.ts';
import { SimProgram } from '../../sim/reference.ts';

const SPEC = { model: { width: 1 } } as ConstructorParameters<typeof NodeComputer>[1];
const task: NodeTask = {
  ...{ kind: 'train', step: 0, version: 0, epoch: 0, batch: 0 },
  ...{ first: 8, count: 8 },
};

/** A leaf whose sum depends on its place. */
function leafAt(leaf: number): PreparedLeaf {
  const inputs: LeafInputs = {
    images: Float32Array.of(leaf / 3, leaf / 7),
    labels: Int32Array.of(leaf % 2, 1),
    weights: Float32Array.of(1, 1),
  };
  const badSamples = leaf === 10 ? [{ index: 10, reason: 'ten' }] : [];
  return { inputs, badSamples, features: undefined, unknown: [] };
}

/** Computes the node with so many devices; says which leaves were prepared when which were sent. */
async function computed(slots: number, signal = new AbortController().signal) {
  const program = new SimProgram(slots);
  program.setParameters(Float32Array.of(0.1, 0.2, 0.3));
  const computer = new NodeComputer(program, SPEC);
  const prepared: number[] = [];
  const sent: number[] = [];
  let mostAhead = 0;
  let queue: Promise<unknown> = Promise.resolve();
  const engine: LeafComputer = {
    ...{ id: 'e', processor: '', description: 'e', slots, devices: undefined },
    setParameters: () => Promise.reject(),
    leaf: (_task, place, inputs) => {
      sent.push(place.leaf);
      mostAhead = Math.max(mostAhead, prepared.length - sent.length);
      const turn = queue.then(async () => ({
        computeMs: 0,
        ...(await computer.leaf({ kind: 'train', node: task, ...place, inputs })),
      }));
      queue = turn;
      return turn;
    },
    close: () => Promise.resolve(),
  };
  const feeder = {
    numLeaves: () => 16,
    fetch: () => Promise.resolve(),
    prefetchNext: () => Promise.resolve(),
    leaf: (_task: unknown, leaf: number) => {
      prepared.push(leaf);
      return Promise.resolve(leafAt(leaf));
    },
    keep: () => [],
  } as unknown as Feeder;
  const refused = deferred<never>();
  const time = new TimeLedger();
  const work = { feeder, engine, time, signal, onRefused: refused.reject };
  const node = await Promise.race([computeNode(task, work), refused.promise]);
  return { node, prepared, sent, mostAhead };
}

it('one device gets the leaves in their order, four get one each before any gets its second', async () => {
  expect((await computed(1)).sent).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  const four = await computed(4);
  expect(four.sent).toEqual([8, 10, 12, 14, 9, 11, 13, 15]);
  expect(four.prepared).toEqual(four.sent);
});

it.each([2, 3, 4, 8, 16])('%i devices add up to the bits of one', async (slots) => {
  const [one, several] = [await computed(1), await computed(slots)];
  expect(several.node).toEqual(one.node);
  expect(several.node?.badSamples).toEqual([{ index: 10, reason: 'ten' }]);
  expect(several.mostAhead).toBeLessThanOrEqual(slots);
});

it('a node that is called off is not computed to its end', async () => {
  const { node, sent } = await computed(4, AbortSignal.abort());
  expect(node).toBeUndefined();
  expect(sent).toEqual([]);
});
