/** Asks `tessera serve` what images show: `node dist/main.js URL IMAGE...`. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const [url, ...images] = process.argv.slice(2);
if (url === undefined || images.length === 0) {
  console.error('usage: node dist/main.js URL IMAGE...');
  process.exit(2);
}

interface Reply {
  readonly guesses?: readonly { readonly class: string; readonly probability: number }[];
  readonly error?: { readonly code: string; readonly sentence: string };
}

const TRIES = 5;

async function ask(image: Uint8Array): Promise<Reply> {
  for (let turn = 1; ; turn += 1) {
    const body = new Uint8Array(image);
    const reply = await fetch(`${url}/predict?top=3`, { method: 'POST', body });
    // 503: the server has as many images as it can hold.
    if (reply.status !== 503 || turn === TRIES) return (await reply.json()) as Reply;
    await reply.arrayBuffer();
    await sleep(1000 * Number(reply.headers.get('retry-after') ?? 1));
  }
}

for (const image of images) {
  const { guesses = [], error } = await ask(await readFile(image));
  console.log(image);
  if (error !== undefined) {
    console.error(`${error.code}: ${error.sentence}`);
    process.exitCode = 1;
  }
  for (const { class: name, probability } of guesses) {
    console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`);
  }
}
