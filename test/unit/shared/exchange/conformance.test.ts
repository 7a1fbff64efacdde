/** @file Every transport of an exchange passes the same checks, and one with a fault does not. */
import { afterEach, describe, expect, it } from 'vitest';
import { CHECKS, type Rig } from '../../../support/exchange-conformance.ts';
import { type Fault, grpcRig, memoryRig } from '../../../support/exchange-rigs.ts';
import { lanedRig } from '../../../support/lanes.ts';

let rig: Rig | undefined;
afterEach(() => rig?.close());

describe.each([
  ['gRPC', () => grpcRig()],
  ['gRPC and memory that both share', () => grpcRig({ isMemoryShared: true })],
  ['gRPC on lanes', () => lanedRig()],
  ["gRPC from the library's client", () => grpcRig({ worker: 'library' })],
  ["gRPC to the library's server", () => grpcRig({ coordinator: 'library' })],
  ['a function call', () => memoryRig()],
])('an exchange by %s', (_, start) => {
  it.each(Object.entries(CHECKS))('%s', async (_name, check) => {
    rig = await start();
    await check(rig);
  });
});

it.each<[Fault, RegExp]>([
  ['trustsEveryBit', /damage/],
  ['keepsHalfOfANode', /damage to a gradient/],
  ['cancelsAtItsDeadline', /deadline/],
])('the checks find a transport that %s', async (fault, name) => {
  const [found] = Object.entries(CHECKS).filter(([known]) => name.test(known));
  rig = await memoryRig(fault);
  await expect(found![1](rig)).rejects.toThrow();
});
