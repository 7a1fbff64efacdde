/** @file Independent object stores for tests: PyPI's moto and npm's s3rver, where `.ci/object-stores` has installed them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { WatchedProcess } from './cluster.ts';

const FOLDER =
  process.env['TESSERA_OBJECT_STORES'] ??
  resolve(import.meta.dirname, '../../.tessera/object-stores');

/** A store that may be here. */
export interface IndependentStore {
  readonly name: string;
  readonly isAbsent: boolean;
  /** Starts it with a bucket called `runs`, and its files in a folder. */
  start(folder: string): Promise<{ readonly url: string; readonly process: WatchedProcess }>;
}

const S3RVER = join(FOLDER, 's3rver/node_modules/s3rver');
const MOTO = join(FOLDER, 'moto/bin/moto_server');

const S3RVER_PROGRAM = `
const S3rver = require(process.argv[1]);
const options = { port: 0, address: '127.0.0.1', silent: true, directory: process.argv[2], configureBuckets: [{ name: 'runs' }] };
new S3rver(options).run().then(({ port }) => console.log('listens on http://127.0.0.1:' + port));
`;

/** Both stores. */
export const STORES: readonly IndependentStore[] = [
  {
    name: 's3rver',
    isAbsent: !existsSync(S3RVER),
    start: async (folder) => {
      const process_ = new WatchedProcess([process.execPath, '-e', S3RVER_PROGRAM, S3RVER, folder]);
      const [, url = ''] = await process_.printed(/listens on (\S+)/);
      return { url, process: process_ };
    },
  },
  {
    name: 'moto',
    isAbsent: !existsSync(MOTO),
    start: async () => {
      const process_ = new WatchedProcess([MOTO, '-H', '127.0.0.1', '-p', '0']);
      const [, url = ''] = await process_.printed(/Running on (http:\S+)/);
      await fetch(`${url}/runs`, { method: 'PUT' });
      return { url, process: process_ };
    },
  },
];

/** Says why tests of a store are skipped; returns whether they are. */
export function lacks({ name, isAbsent }: IndependentStore): boolean {
  if (isAbsent)
    process.stdout.write(`skipped: ${name} is not in ${FOLDER} (.ci/object-stores installs it)\n`);
  return isAbsent;
}
