/**
 * @file Our side of the step: one leaf of a ViT, forward and backward, on the CPU engine.
 *
 * Prints a line of JSON when the program is compiled and warm; then, for each line `measure SECONDS` on stdin, one with the
 * images per second.
 */
import { createInterface } from 'node:readline';
import { compileProgram } from '../../shared/compute/engines/registry.ts';
import type { LeafInputs } from '../../shared/compute/program.ts';
import { initialParameters } from '../../shared/model/init.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';

/** What is measured. */
export interface StepRequest {
  readonly model: ModelConfig;
  readonly microBatch: number;
  readonly threads: number;
}

const { model, microBatch, threads } = JSON.parse(process.argv[2] ?? '') as StepRequest;
const program = await compileProgram(
  { model, microBatch, labelSmoothing: 0 },
  { id: 'onnxruntime-cpu', threads },
);
program.setParameters(initialParameters(model, 1));
const pixels = microBatch * model.channels * model.imageSize ** 2;
const leaf: LeafInputs = {
  images: Float32Array.from({ length: pixels }, (_, i) => Math.sin(i)),
  labels: Int32Array.from({ length: microBatch }, (_, i) => i % model.numClasses),
  weights: new Float32Array(microBatch).fill(1),
};
const say = (values: object) => process.stdout.write(`${JSON.stringify(values)}\n`);

/** One step; a worker gives gradients back once they have arrived. */
const step = async () => program.recycle?.((await program.train(leaf)).gradient);

await step();
await step();
say({ engine: program.description });
for await (const line of createInterface({ input: process.stdin })) {
  const seconds = Number(line.split(' ')[1]);
  const beganMs = performance.now();
  const spent = () => (performance.now() - beganMs) / 1000;
  let steps = 0;
  do {
    await step();
    steps += 1;
  } while (spent() < seconds);
  const bytesPeak = process.resourceUsage().maxRSS * 1024;
  say({ imagesPerSecond: (steps * microBatch) / spent(), steps, bytesPeak });
}
