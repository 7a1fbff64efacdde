/** @file The experiment on a card: its arithmetic, its parts, and the processes that it asks. */
import { describe, expect, it } from 'vitest';
import { operationsOf, peakOf } from '../../../bench/gpu/flops.ts';
import { LineProcess } from '../../../bench/gpu/lines.ts';
import { partsOf } from '../../../bench/gpu/parts.ts';
import { parseVariant } from '../../../shared/model/variants.ts';

describe('operations of a training step', () => {
  it('are three times those of the forward pass, as others count them', () => {
    // Multiply-adds of the forward pass. Source  timm's tables of models.
    const published = { 'Ti/16': 1.26e9, 'S/16': 4.6e9, 'B/16': 17.6e9 } as const;
    for (const [variant, multiplyAdds] of Object.entries(published)) {
      const shape = parseVariant(variant);
      const model = { ...shape, imageSize: 224, channels: 3, numClasses: 1000 };
      const ratio = operationsOf(model) / (6 * multiplyAdds);
      expect(ratio, variant).toBeGreaterThan(0.97);
      expect(ratio, variant).toBeLessThan(1.03);
    }
  });

  it('have a peak on cards whose maker states one', () => {
    expect(peakOf('NVIDIA H200')).toBe(989.4e12);
    expect(peakOf('NVIDIA H100 80GB HBM3')).toBe(989.4e12);
    expect(peakOf('NVIDIA H100 PCIe')).toBeUndefined();
    expect(peakOf('cpu')).toBeUndefined();
  });
});

describe('the parts of the experiment', () => {
  it('have a name each, and fit into ten minutes up to the bits of a large run', () => {
    const parts = partsOf(false);
    const names = parts.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(partsOf(true).map(({ name }) => name)).toEqual(names);
    const upTo = parts.slice(0, names.indexOf('train B/16') + 1);
    const least = upTo.reduce((sum, { leastSeconds }) => sum + leastSeconds, 0);
    expect(least).toBeLessThan(600);
  });
});

describe('a process that is asked by lines', () => {
  const script = `
    console.log('a library says something');
    console.log(JSON.stringify({ ready: true }));
    process.stdin.on('data', (data) => {
      if (String(data).startsWith('fail')) { console.error('out of memory'); process.exit(3); }
      console.log(JSON.stringify({ asked: String(data).trim() }));
    });`;
  const start = () =>
    new LineProcess([process.execPath, '-e', script], new AbortController().signal);

  it('replies with JSON, whatever else it prints', async () => {
    const asked = start();
    expect(await asked.next()).toEqual({ ready: true });
    expect(await asked.ask('measure 3')).toEqual({ asked: 'measure 3' });
    asked.end();
  });

  it('that fails says why, and one that is ended has no reply', async () => {
    const failing = start();
    await failing.next();
    await expect(failing.ask('fail')).rejects.toThrow('out of memory');
    const ended = start();
    await ended.next();
    ended.end();
    await expect(ended.next()).rejects.toThrow('no reply');
  });

  it('that does not exist says so', async () => {
    const absent = new LineProcess(['/no/such/program'], new AbortController().signal);
    await expect(absent.next()).rejects.toThrow('ENOENT');
    absent.end();
  });
});
