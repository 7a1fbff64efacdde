/** @file The thread in which the model of `tessera serve` computes, so that the server replies meanwhile. */
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { assert, TesseraError } from '../../shared/core/errors.ts';
import { imageInputs } from '../inference/images.ts';
import { Model } from '../inference/model.ts';
import { readModel } from '../inference/read/read-model.ts';
import type {
  Failure,
  ImageOutcome,
  ModelReply,
  ModelRequest,
  ModelThreadStart,
} from './model-messages.ts';

/** A model for images that come alone and, where batches are computed, one for them: a program has one size. */
interface Models {
  readonly one: Model;
  readonly batch: Model;
  readonly size: number;
}

async function main(): Promise<void> {
  const port = parentPort;
  assert(port !== null, 'model-thread runs as a worker thread');
  const reply = (message: ModelReply) => port.postMessage(message);
  const attempt = async (work: () => Promise<ModelReply>) =>
    reply(
      await work().catch((thrown) => ({ type: 'failed', failure: failureOf(thrown) }) as const),
    );
  let models: Models | undefined;
  await attempt(async () => {
    models = await openModels(workerData as ModelThreadStart);
    const { path, classes, engine, notes, trained } = models.batch;
    const name = trained.guessed.size === 0 ? trained.config.name : basename(path);
    return { type: 'ready', model: { path, name, classes, engine, notes } };
  });
  port.on('message', (request: ModelRequest) => {
    const opened = models;
    if (opened === undefined) return;
    if (request === 'close') void closeModels(opened).finally(() => port.close());
    else void attempt(async () => ({ type: 'computed', outcomes: await compute(opened, request) }));
  });
}

async function openModels({ path, options, batch: size }: ModelThreadStart): Promise<Models> {
  const trained = await readModel(path, options);
  const one = await Model.start(trained, { batchSize: 1 });
  const batch = size === 1 ? one : await Model.start(trained, { batchSize: size });
  return { one, batch, size };
}

async function closeModels({ one, batch }: Models): Promise<void> {
  await one.close();
  await batch.close();
}

/** A batch has one size, and black images fill it up: fewer than half of them are faster one by one. */
async function compute({ one, batch, size }: Models, images: readonly Uint8Array[]) {
  const rest = images.length % size;
  const together = images.length - (2 * rest < size ? rest : 0);
  const outcomes: ImageOutcome[] = [];
  for (const [model, part] of [
    [batch, images.slice(0, together)],
    [one, images.slice(together)],
  ] as const) {
    const inputs = imageInputs(part).map((input) => ({ ...input, name: 'the image' }));
    for await (const { values, error } of model.results(inputs)) {
      outcomes.push(
        error === undefined ? { logits: values.slice() } : { failure: failureOf(error) },
      );
    }
  }
  return outcomes;
}

function failureOf(thrown: unknown): Failure {
  const { code, sentence, hint } = TesseraError.from(thrown);
  return { code, sentence, hint };
}

void main();
