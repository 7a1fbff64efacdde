/** Says what images show: `node dist/main.js MODEL IMAGE...`. */
import { readFile } from 'node:fs/promises';
import { openModel, TesseraError } from 'tessera-train';

const [path, ...images] = process.argv.slice(2);
if (path === undefined || images.length === 0) {
  console.error('usage: node dist/main.js MODEL IMAGE...');
  process.exit(2);
}

// The images come one by one here, so the model computes one at a time.
const model = await openModel(path, { batchSize: 1 });
try {
  for (const image of images) {
    // A path would do; bytes are what a server gets.
    const [prediction] = await model.predict(await readFile(image), { top: 3 });
    console.log(image);
    for (const { class: name, probability } of prediction?.guesses ?? []) {
      console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
    }
  }
  const [features] = await model.features(images.slice(0, 1));
  console.log(`features: ${features?.length} values`);
} catch (error) {
  if (!(error instanceof TesseraError)) throw error;
  console.error(`${error.code}: ${error.sentence}`);
  process.exitCode = 1;
} finally {
  await model.close();
}
