/** Says what images show, by an exported model: `node dist/main.js IMAGE...`. */
import { openModel } from 'my-model';

const images = process.argv.slice(2);
if (images.length === 0) {
  console.error('usage: node dist/main.js IMAGE...');
  process.exit(2);
}

const model = await openModel();
for (const image of images) {
  console.log(image);
  for (const { class: name, probability } of await model.predict(image, 3)) {
    console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
  }
}
await model.close();
