/** @file Plugins that are refused. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Plugin } from '../../../../../shared/compute/engines/xla/plugin.ts';
import { TesseraError } from '../../../../../shared/core/errors.ts';
import { buildBadPlugin, lacksBadPlugin } from '../../../../support/bad-plugin.ts';
import { temporaryFolder, writeFiles } from '../../../../support/data.ts';

function refusal(path: string): TesseraError {
  try {
    new Plugin(path);
  } catch (error) {
    return TesseraError.from(error);
  }
  throw new Error('it loads');
}

describe('what is not a plugin', () => {
  it('is refused: a file that is missing, or that is not a library', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, { 'text.so': 'text' });
    for (const name of ['missing.so', 'text.so']) {
      const { code, sentence } = refusal(join(folder, name));
      expect(code).toBe('ENGINE_UNAVAILABLE');
      expect(sentence).toContain(`${name} does not load: `);
    }
  });
});

describe.skipIf(lacksBadPlugin('tests of planted plugins'))('a planted plugin', () => {
  it('of a version that was not tried is refused, unless a setting insists', async () => {
    const path = buildBadPlugin(await temporaryFolder(), { kind: 'version' });
    const { code, sentence, hint } = refusal(path);
    expect([code, sentence]).toEqual([
      'ENGINE_UNAVAILABLE',
      `${path} has PJRT API 0.112; 0.115 to 0.117 were tried`,
    ]);
    expect(hint).toContain('TESSERA_XLA_ANY_VERSION=1');
    expect(new Plugin(path, { anyVersion: true }).apiVersion).toBe('0.112');
  });
});
