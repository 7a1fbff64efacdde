/** @file Programs that are kept: compiled once, loaded by others, compiled again where what was kept does not load. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  compileProgram,
  type EngineChoice,
} from '../../../../../shared/compute/engines/registry.ts';
import { liveHandles } from '../../../../../shared/compute/engines/xla/handle.ts';
import type { ExecutableKey, ExecutableStore } from '../../../../../shared/compute/executables.ts';
import type { ProgramSpec } from '../../../../../shared/compute/program.ts';
import { backboneSize, parameterTable } from '../../../../../shared/model/parameters.ts';
import { randomLeaf, randomParameters, SMALL_SPEC } from '../../../../support/compute.ts';
import { executablesInMemory, lacksXlaCpu } from '../../../../support/xla.ts';

/** Behind a frozen backbone, whose features are given: a program of few operations. */
const SPEC: ProgramSpec = { ...SMALL_SPEC, frozen: backboneSize(SMALL_SPEC.model) };
const { microBatch, model } = SPEC;
const LEAF = {
  ...randomLeaf(SPEC, 2),
  features: randomParameters(microBatch * model.width, 3),
};
const XLA: EngineChoice = { id: 'xla-cpu', threads: 1 };
const PARAMETERS = randomParameters(parameterTable(model).size, 1);

/** An evaluation, which needs one program. */
async function evaluate(executables: ExecutableStore, spec = SPEC) {
  const program = await compileProgram(spec, XLA, { executables });
  program.setParameters(PARAMETERS);
  try {
    return await program.evaluate(LEAF);
  } finally {
    await program.dispose();
  }
}

/** A store that notes what it is asked for. */
function watched(store: ExecutableStore) {
  const calls: (readonly [string, ExecutableKey])[] = [];
  const note = (name: string, key: ExecutableKey) => {
    calls.push([name, key]);
    return store;
  };
  const noted: ExecutableStore = {
    take: (key) => note('take', key).take(key),
    put: (key, bytes) => note('put', key).put(key, bytes),
    abandon: (key) => note('abandon', key).abandon(key),
  };
  return { calls, noted, names: () => calls.splice(0).map(([name]) => name) };
}

describe.skipIf(lacksXlaCpu('kept programs of xla'))('kept programs of xla', () => {
  const store = executablesInMemory();
  const { noted, names, calls } = watched(store);
  const before = liveHandles();
  afterEach(() => expect(liveHandles()).toEqual(before));

  it('are compiled once; others load them and compute the same', async () => {
    const first = await evaluate(noted);
    const [[, { digest, title }]] = calls as [[string, ExecutableKey]];
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(title).toMatch(/^forward of a ViT of width 12, depth 2, 4 images a leaf, for xla-cpu /);
    expect(names()).toEqual(['take', 'put']);
    expect(await evaluate(noted)).toEqual(first);
    expect(names()).toEqual(['take']);
  });

  it('are of one text and one set of options: others have other keys', async () => {
    const keys = new Set([...store.kept.keys()]);
    await evaluate(noted, { ...SPEC, precision: 'tf32' });
    await evaluate(noted, { ...SPEC, labelSmoothing: 0 });
    expect(names()).toEqual(['take', 'put', 'take', 'put']);
    expect(store.kept.size).toBe(keys.size + 2);
  });

  it('of another worker, which came first, are used in place of the own', async () => {
    const first = await evaluate(noted);
    const bytes = [...store.kept.values()][0] as Uint8Array;
    names();
    const late: ExecutableStore = {
      take: async () => undefined,
      put: async () => bytes,
      abandon: async () => {},
    };
    const { noted: other, names: otherNames } = watched(late);
    expect(await evaluate(other)).toEqual(first);
    expect(otherNames()).toEqual(['take', 'put']);
  });

  it('that do not load, or are another program, are compiled again, once', async () => {
    const first = await evaluate(noted);
    const training = executablesInMemory();
    const program = await compileProgram(SPEC, XLA, { executables: training });
    program.setParameters(PARAMETERS);
    await program.train(LEAF);
    await program.dispose();
    const foreign = [...training.kept.values()][0] as Uint8Array;
    names();
    for (const bytes of [Buffer.from('not a program'), new Uint8Array(0), foreign]) {
      const bad: ExecutableStore = { ...store, take: async () => bytes };
      const { noted: seen, names: seenNames } = watched(bad);
      expect(await evaluate(seen)).toEqual(first);
      expect(seenNames()).toEqual(['take']);
    }
  });

  it('are left to others where the keeper fails', async () => {
    const failing: ExecutableStore = {
      ...store,
      take: async () => undefined,
      put: async () => Promise.reject(new Error('the disk is full')),
    };
    await expect(evaluate(failing)).rejects.toThrow('the disk is full');
  });
});
