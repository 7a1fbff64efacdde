/** @file The index of wheels is asked as pip is set up: flag, environment, files; credentials are kept apart. */
import { describe, expect, it } from 'vitest';
import { indexSettings, pipFiles, proxyFor } from '../../../../tools/engines/wheels/settings.ts';

const CONF = `
# the house's mirror
[global]
index-url = https://mirror.example/simple/
extra-index-url =
    https://one.example/simple
    https://two.example/simple
cert = /etc/house.pem
[install]
proxy: http://proxy.example:3128
`;

describe('the settings of an index', () => {
  it('are those of PyPI unless something says more', () => {
    expect(indexSettings({}, [])).toEqual({
      indexes: ['https://pypi.org/simple'],
      credentials: new Map(),
      certificates: undefined,
      proxy: undefined,
    });
  });

  it('come from pip.conf, of which a later file and a section of a command count more', () => {
    const settings = indexSettings({}, [CONF, '[global]\ncert=/home/me.pem\n']);
    expect(settings.indexes).toEqual([
      'https://mirror.example/simple',
      'https://one.example/simple',
      'https://two.example/simple',
    ]);
    expect(settings).toMatchObject({
      certificates: '/home/me.pem',
      proxy: 'http://proxy.example:3128',
    });
  });

  it('of the environment count more than files, and the flag more than both', () => {
    const env = { PIP_INDEX_URL: 'https://env.example/simple', PIP_CERT: '/env.pem' };
    expect(indexSettings(env, [CONF]).indexes[0]).toBe('https://env.example/simple');
    expect(indexSettings(env, [CONF]).certificates).toBe('/env.pem');
    const index = 'https://flag.example/simple';
    expect(indexSettings(env, [CONF], { index }).indexes).toEqual([index]);
  });

  it.each([
    [{ REQUESTS_CA_BUNDLE: '/a', SSL_CERT_FILE: '/b' }, '/a'],
    [{ SSL_CERT_FILE: '/b' }, '/b'],
    [{ PIP_CERT: '/c', SSL_CERT_FILE: '/b' }, '/c'],
  ])('certificates of %o are %s', (env, path) => {
    expect(indexSettings(env, []).certificates).toBe(path);
  });

  it('hold no name and no password in an address; both are sent to its origin', () => {
    const PIP_INDEX_URL = 'https://me:p%40ss@private.example/simple';
    const settings = indexSettings({ PIP_INDEX_URL }, []);
    expect(settings.indexes).toEqual(['https://private.example/simple']);
    expect(settings.credentials.get('https://private.example')).toBe(`Basic ${btoa('me:p@ss')}`);
  });

  it('refuse an address that is not one, without a word of it, and pip without an index', () => {
    const PIP_INDEX_URL = 'ftp://me:secret@private.example';
    expect(() => indexSettings({ PIP_INDEX_URL }, [])).toThrow(/not a web address/);
    expect(() => indexSettings({ PIP_INDEX_URL }, [])).not.toThrow(/secret/);
    expect(() => indexSettings({ PIP_NO_INDEX: '1' }, [])).toThrow(/allow no index/);
    expect(
      indexSettings({ PIP_NO_INDEX: '1' }, [], { index: 'https://a.example' }).indexes,
    ).toEqual(['https://a.example']);
  });

  it('are looked for where pip looks', () => {
    expect(pipFiles({ PIP_CONFIG_FILE: '/dev/null' }, '/home/me')).toEqual([]);
    const files = pipFiles({ VIRTUAL_ENV: '/venv', PIP_CONFIG_FILE: '/own.conf' }, '/home/me');
    expect(files.slice(-3)).toEqual([
      '/home/me/.config/pip/pip.conf',
      '/venv/pip.conf',
      '/own.conf',
    ]);
  });
});

describe('the proxy of an address', () => {
  const env = {
    HTTPS_PROXY: 'http://s:1',
    http_proxy: 'http://p:2',
    NO_PROXY: '.house.example,near:8080',
  };

  it.each([
    ['https://pypi.org/simple', 'http://s:1'],
    ['http://pypi.org/simple', 'http://p:2'],
    ['https://pypi.house.example/', undefined],
    ['https://house.example/', undefined],
    ['http://near:8080/', undefined],
    ['http://near:8081/', 'http://p:2'],
  ])('%s is %s', (url, proxy) => {
    expect(proxyFor(new URL(url), env)).toBe(proxy);
  });

  it('is none for all of *, that of pip where it has one, and that of ALL_PROXY else', () => {
    const url = new URL('https://pypi.org');
    expect(proxyFor(url, { ...env, NO_PROXY: '*' })).toBeUndefined();
    expect(proxyFor(url, env, 'http://own:3')).toBe('http://own:3');
    expect(proxyFor(url, { all_proxy: 'http://all:4' })).toBe('http://all:4');
    expect(proxyFor(url, {})).toBeUndefined();
  });
});
