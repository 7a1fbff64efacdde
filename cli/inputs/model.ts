/** @file The model that a command names: found, read, and what is to be known of it said. */
import { findModel } from '../../tools/inference/read/find-model.ts';
import {
  type ModelNote,
  type ReadOptions,
  readModel,
  type TrainedModel,
} from '../../tools/inference/read/read-model.ts';
import { pointer, say } from '../terminal/output.ts';
import { SAY_PASSED_OVER } from './found-run.ts';

/** The path of a model by what was typed; without a text it is the newest run. Throws  as `findModel`. */
export async function findNamedModel(text?: string): Promise<string> {
  const { path, by } = await findModel(text, SAY_PASSED_OVER);
  if (by === 'newest') say(`the newest run: ${path}`);
  if (by === 'catalog') say(pointer('weights', `${text}: ${path}`));
  return path;
}

/** Reads the model that was named. Throws  as `findModel` and `readModel`. */
export async function readNamedModel(
  text: string | undefined,
  options: ReadOptions,
): Promise<TrainedModel> {
  const trained = await readModel(await findNamedModel(text), options);
  sayNotes(trained, 'weights');
  return trained;
}

/** Says what is to be known of weights, or of how a model's images are prepared. */
export function sayNotes({ notes }: TrainedModel, about: ModelNote['about'], more = ''): void {
  for (const note of notes) {
    if (note.about === about) say(`${note.kind}: ${note.sentence}${more}`);
  }
}
