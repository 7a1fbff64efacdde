/** @file Reads a manifest of a mirror. */
import { TesseraError } from '../../core/errors.ts';
import type { ObjectStore } from '../../objects/store.ts';
import { decodeManifest, type Manifest, manifestOf } from './manifest.ts';

/** A manifest that seems damaged is read again: it may be the network. */
const LOOKS = 4;

/** A manifest; undefined for one that is damaged. Throws  DATA_INVALID for one of another version; as `ObjectStore` does. */
export async function readManifest(
  store: ObjectStore,
  step: number,
): Promise<Manifest | undefined> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const text = await store.getText(manifestOf(step));
    try {
      return decodeManifest(step, text);
    } catch (error) {
      if (TesseraError.from(error).code !== 'CHUNK_CORRUPT') throw error;
    }
  }
  return undefined;
}
