/** @file The address of a webhook is a secret: it is taken out of a config, and neither shown nor named in an error. */
import { describe, expect, it } from 'vitest';
import { showConfig } from '../../../../cli/config/config.ts';
import { settingsOf } from '../../../../cli/run/settings.ts';
import { loadConfig } from '../../../../shared/config/load.ts';
import { observeOptions, takeWebhook, withoutSecrets } from '../../../../shared/config/observe.ts';
import { errorOf } from '../../../support/config.ts';
import { printedBy } from '../../../support/printed.ts';

const SECRET = 'https://me:pass@hooks.example.com/services/SECRET';
const observe = (webhook: string) => observeOptions.parse({ webhook });

describe('the webhook of a config', () => {
  it('is taken out of it; the name of a variable stays, so that a resumed run finds it', () => {
    const taken = takeWebhook(observe(SECRET), {});
    expect([taken.url?.href, taken.observe.webhook]).toEqual([SECRET, '']);
    const named = takeWebhook(observe('env:HOOK'), { HOOK: SECRET });
    expect([named.url?.href, named.observe.webhook]).toEqual([SECRET, 'env:HOOK']);
    expect(takeWebhook(observe(''), {}).url).toBeUndefined();
  });

  it.each([
    ['env:HOOK', {}, /^observe\.webhook: the variable HOOK holds no web address$/],
    ['env:HOOK', { HOOK: 'ftp://x/SECRET' }, /^observe\.webhook: the variable HOOK holds no/],
    ['htps://x/SECRET', {}, /^observe\.webhook: it is neither a web address nor env:NAME$/],
  ])('%s with %o is refused without saying what it is', async (webhook, env, sentence) => {
    const error = await errorOf((async () => takeWebhook(observe(webhook), env))());
    expect(error.sentence).toMatch(sentence);
    expect(`${error.message} ${error.hint}`).not.toContain('SECRET');
  });

  it('that is none is refused when the config is read, by the flag as well, without saying it', async () => {
    const options = settingsOf({ webhook: 'hooks.example.com/SECRET' });
    const error = await errorOf(loadConfig('quickstart', { ...options, env: {} }));
    expect(error.sentence).toContain('it is neither a web address nor env:NAME');
    expect(`${error.message} ${error.hint}`).not.toContain('SECRET');
  });

  it('is shown by its origin only', async () => {
    const config = { observe: observe(SECRET) };
    expect(withoutSecrets(config).observe.webhook).toBe('https://hooks.example.com/...');
    for (const json of [true, undefined] as const) {
      const text = await printedBy(() =>
        showConfig({ config: 'quickstart', webhook: SECRET, ...(json && { json }) }),
      );
      expect(text).toContain('https://hooks.example.com/...');
      expect(text).not.toMatch(/SECRET|pass/);
    }
  });
});
