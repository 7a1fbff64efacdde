/** Trains a small model on the digits of the package, or of a folder with idx files: `node dist/main.js [FOLDER]`. */
import { defineConfig, openModel, train } from 'tessera-train';

const [folder] = process.argv.slice(2);
const config = defineConfig({
  name: 'digits',
  data: { source: folder === undefined ? 'mnist' : 'idx', path: folder, channels: 1 },
  model: { imageSize: 28, patchSize: 7, width: 32, depth: 2, heads: 2 },
  training: {
    epochs: 1,
    batchSize: 128,
    microBatch: 32,
    optimizer: { learningRate: 2e-3 },
    schedule: { warmupSteps: 5 },
  },
});

const run = await train(config, { workers: 1 });
for await (const event of run) {
  if (event.type === 'step' && event.step % 5 === 0) {
    console.log(`step ${event.step}: loss ${event.loss.toFixed(3)}`);
  }
}
const { runFolder, testAccuracy } = await run.result;
console.log(`${runFolder}: ${(100 * testAccuracy).toFixed(1)} % of the test images are right`);

const model = await openModel(runFolder, { batchSize: 1 });
const black = { data: new Uint8Array(28 * 28), width: 28, height: 28, channels: 1 };
const [prediction] = await model.predict(black, { top: 1 });
console.log(`a black image is taken for ${prediction?.guesses[0]?.class}`);
await model.close();
