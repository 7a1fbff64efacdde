/**
 * @file Every kernel that can be recorded, as StableHLO on XLA's CPU plugin, against TensorFlow.js's own cpu backend.
 *
 * Method  that of `compute-kernels.test.ts`, over the same functions and random shapes.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Client } from '../../shared/compute/engines/xla/client.ts';
import { simplify } from '../../shared/compute/graph/simplify.ts';
import { expectAgreement, fillInputs, recordFunction, runEagerly } from '../support/agreement.ts';
import { buildOf, KERNEL_CASES, type KernelCase } from '../support/kernel-cases.ts';
import { lacksXlaCpu } from '../support/xla.ts';
import { openXlaCpu, runOnXla } from '../support/xla-agreement.ts';

describe.skipIf(lacksXlaCpu('recorded kernels on XLA'))('recorded kernels on XLA', () => {
  let client: Client;
  beforeAll(() => {
    client = openXlaCpu();
  });
  afterAll(() => client.destroy());

  it.each(Object.keys(KERNEL_CASES))('%s', async (name) => {
    const agrees = async (test: KernelCase, seed: number) => {
      const { inputs, build } = buildOf(test);
      const want = await runEagerly(inputs, seed, build);
      const graph = simplify(await recordFunction(inputs, build));
      expectAgreement(runOnXla(client, graph, fillInputs(inputs, seed)), want);
    };
    // Each try is a compilation.
    await fc.assert(fc.asyncProperty(KERNEL_CASES[name]!, fc.nat(), agrees), { numRuns: 3 });
  });
});
