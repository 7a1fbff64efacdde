/** @file A process that does one job of `tessera engines test` and prints what it found; started by `run.ts`. */
import '../../../shared/machine/debugger.ts';
import { createHash } from 'node:crypto';
import type { Program } from '../../../shared/compute/program.ts';
import type { Numbers, Speed, TestJob } from './jobs.ts';

const { compileProgram } = await import('../../../shared/compute/engines/registry.ts');
const { feedOrder } = await import('../../../shared/training/slots.ts');
const { TesseraError } = await import('../../../shared/core/errors.ts');
const { NODE_LEAVES, specOf, testLeaf, testParameters } = await import('./jobs.ts');

async function numbersOf(program: Program, job: TestJob): Promise<Numbers> {
  const spec = specOf(job);
  const { lossSum, gradient } = await program.train(testLeaf(spec, 0));
  const range = { first: 0, count: NODE_LEAVES };
  program.beginNode({ ...range, kind: 'train', numLeaves: NODE_LEAVES });
  for (const index of feedOrder(range, program.slots)) {
    await program.addLeaf(testLeaf(spec, index), index);
  }
  const node = await program.endNode();
  const { description, slots } = program;
  return {
    description,
    slots,
    devices: program.devices(),
    lossSum,
    gradient: bytesOf(gradient).toString('base64'),
    nodeSha256: createHash('sha256')
      .update(bytesOf(node.gradient ?? new Float32Array()))
      .update(bytesOf(Float64Array.of(node.lossSum, node.correct)))
      .digest('hex'),
  };
}

async function speedOf(program: Program, job: TestJob, startedMs: number): Promise<Speed> {
  const spec = specOf(job);
  const leaf = testLeaf(spec, 1);
  await program.train(leaf);
  const compileMs = performance.now() - startedMs;
  const leafMs: number[] = [];
  for (let i = 0; i < (job.kind === 'speed' ? job.leaves : 0); i += 1) {
    const fromMs = performance.now();
    await program.train(leaf);
    leafMs.push(performance.now() - fromMs);
  }
  const hostBytes = process.resourceUsage().maxRSS * 1024;
  return { devices: program.devices(), compileMs, leafMs, images: spec.microBatch, hostBytes };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

async function main(): Promise<object> {
  const job = JSON.parse(process.argv[2] ?? '{}') as TestJob;
  const spec = specOf(job);
  const startedMs = performance.now();
  try {
    const program = await compileProgram(spec, job.choice);
    program.setParameters(testParameters(spec));
    const found =
      job.kind === 'numbers'
        ? await numbersOf(program, job)
        : await speedOf(program, job, startedMs);
    await program.dispose();
    return { found };
  } catch (thrown) {
    const { sentence, hint } = TesseraError.from(thrown, 'ENGINE_UNAVAILABLE');
    return { failure: { sentence, hint } };
  }
}

process.stdout.write(`\n${JSON.stringify(await main())}\n`);
