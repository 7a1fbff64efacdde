/** @file docs/json.md says what the table says, and documents that are cheap to make are what it says. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { diagnosisJson } from '../../../../cli/doctor/doctor-view.ts';
import { DOCUMENTS, type DocumentName } from '../../../../tools/documents/documents.ts';
import { documentsPage } from '../../../../tools/documents/page.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');

it('the page is made from the table', async () => {
  await expect(documentsPage()).toMatchFileSnapshot(join(ROOT, 'docs/json.md'));
});

it('each name has a version', () => {
  for (const name of Object.keys(DOCUMENTS)) expect(name).toMatch(/^[a-z-]+\/[1-9]$/);
});

/** Commands that need no run, and take no time. */
const QUICK: readonly (readonly [DocumentName, readonly string[]])[] = [
  ['config/1', ['config', 'show', 'quickstart', '--origin']],
  ['config-options/1', ['config', 'show']],
  ['summary/1', ['summary', 'quickstart']],
  ['weights-list/1', ['weights', 'get', '--list']],
  ['data-list/1', ['data', 'get', '--list']],
  ['runs-list/1', ['runs', 'list', '--runs-folder', 'no-such-folder']],
  ['doctor-address/1', ['doctor', 'no-such-host.invalid:1']],
];

it.each(QUICK)('%s', async (name, args) => {
  const command = [join(ROOT, 'dist/cli/main.js'), ...args, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, command).catch(
    (error: { readonly stdout: string }) => error,
  );
  const { schema, ...fields } = JSON.parse(stdout) as { readonly schema: string };
  expect(schema).toBe(name);
  expect(DOCUMENTS[name].fields.safeParse(fields).error).toBeUndefined();
});

it('doctor/1', () => {
  const { schema, ...fields } = diagnosisJson({
    ...{ tessera: '1', node: '1', npm: '1', platform: 'linux', cores: 1 },
    ...{ memoryBytes: 1, freeMemoryBytes: 1, gpus: [], engines: [] },
  });
  expect(DOCUMENTS[schema].fields.safeParse(fields).error).toBeUndefined();
});
