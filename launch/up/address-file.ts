/** @file JOIN/address: where the first node is, as it says itself; and whether what is there is of this start of the job. */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ADDRESS } from '../../shared/core/address.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';

const NAME = 'address';
/** The first line, before the start of the job; the others are HOST:PORT, the best first. */
const MARK = 'tessera-join/1';

/** Writes where the first node is. Throws  CANNOT_WRITE. */
export async function writeAddresses(
  folder: string,
  { life, addresses }: { readonly life: string; readonly addresses: readonly string[] },
): Promise<void> {
  const lines = [`${MARK} ${life}`.trim(), ...addresses];
  await writeFileAtomically(join(folder, NAME), [Buffer.from(`${lines.join('\n')}\n`)]);
}

/** Removes it, so that no later start of the run is looked for there. */
export async function removeAddresses(folder: string): Promise<void> {
  await rm(join(folder, NAME), { force: true }).catch(() => {});
}

/** Where the first node of this start of the job is; undefined where it has not said so yet. */
export async function readAddresses(
  folder: string,
  life: string,
): Promise<readonly string[] | undefined> {
  // A network disk may remember that a file was not there; a look at the folders corrects it.
  for (const each of [dirname(folder), folder]) await readdir(each).catch(() => []);
  const text = await readTextFile(join(folder, NAME)).catch(() => '');
  const [mark, ...addresses] = text.trim().split('\n');
  const isOurs = mark === `${MARK} ${life}`.trim() && addresses.length > 0;
  return isOurs && addresses.every((one) => ADDRESS.test(one)) ? addresses : undefined;
}
