/**
 * @file Where wheels come from: the settings that pip has for it, by its own names. Pure.
 *
 * Source  pip's documentation: "Configuration" (files, environment, precedence) and "HTTPS certificates".
 */
import { join } from 'node:path';
import { TesseraError } from '../../../shared/core/errors.ts';

type Env = Readonly<NodeJS.ProcessEnv>;

const PYPI = 'https://pypi.org/simple';

/** How an index is asked. Addresses hold no credentials, so they may be shown. */
export interface IndexSettings {
  /** In the order in which they are asked, without a slash at the end. */
  readonly indexes: readonly string[];
  /** `Authorization` by origin. */
  readonly credentials: ReadonlyMap<string, string>;
  /** A file of certificates that are trusted; those of Node.js unless given. */
  readonly certificates: string | undefined;
  /** Proxy of all addresses, by pip's own setting; else the environment decides. */
  readonly proxy: string | undefined;
}

/** Files of settings in which pip looks, those that count more last. */
export function pipFiles(env: Env, home: string): readonly string[] {
  const own = env['PIP_CONFIG_FILE'];
  if (own === '/dev/null') return [];
  const config = env['XDG_CONFIG_HOME'] || join(home, '.config');
  return [
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(config, 'pip', 'pip.conf'),
    ...(env['VIRTUAL_ENV'] ? [join(env['VIRTUAL_ENV'], 'pip.conf')] : []),
    ...(own ? [own] : []),
  ];
}

/**
 * Settings of the flag, the environment and the texts of pip's files, in this order of importance.
 *
 * Throws  USAGE for an address that is not a web address, and when pip may use no index.
 */
export function indexSettings(
  env: Env,
  files: readonly string[],
  flags: { readonly index?: string | undefined } = {},
): IndexSettings {
  const values = new Map(files.flatMap((text) => [...pipValues(text)]));
  const setting = (name: string): string | undefined =>
    env[`PIP_${name.toUpperCase().replaceAll('-', '_')}`] || values.get(name);
  const isOff = /^(1|true|yes|on)$/i.test(setting('no-index') ?? '');
  if (isOff && flags.index === undefined) {
    throw new TesseraError('USAGE', 'the settings of pip allow no index (no-index)', {
      hint: 'give the folder of the wheels with --from, or an index with --index',
    });
  }
  const own = flags.index ?? setting('index-url') ?? PYPI;
  const extra = flags.index === undefined ? wordsOf(setting('extra-index-url')) : [];
  const credentials = new Map<string, string>();
  const indexes = [own, ...extra].map((address) => withoutCredentials(address, credentials));
  const fallback = env['REQUESTS_CA_BUNDLE'] || env['CURL_CA_BUNDLE'] || env['SSL_CERT_FILE'];
  return {
    indexes: [...new Set(indexes)],
    credentials,
    certificates: setting('cert') || fallback || undefined,
    proxy: setting('proxy') || undefined,
  };
}

/** Keys of pip's file that concern an index; those of its commands count more than the global ones. */
function pipValues(text: string): ReadonlyMap<string, string> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const title = /^\[(.+)\]\s*$/.exec(line)?.[1];
    const pair = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line);
    if (title !== undefined) {
      section = sections.get(title) ?? new Map();
      sections.set(title, section);
    } else if (/^\s/.test(line)) section.set(key, `${section.get(key) ?? ''} ${line.trim()}`);
    else if (pair !== null) {
      key = (pair[1] as string).toLowerCase().replaceAll('_', '-');
      section.set(key, pair[2] as string);
    }
  }
  return new Map(
    ['global', 'download', 'install'].flatMap((name) => [...(sections.get(name) ?? [])]),
  );
}

function wordsOf(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The address as it may be shown; name and password go into `credentials`. */
function withoutCredentials(address: string, credentials: Map<string, string>): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    // It may hold a password, so it is not shown.
    throw new TesseraError('USAGE', 'the address of the package index is not a web address', {
      hint: 'it begins with https:// (or http://): see --index, PIP_INDEX_URL and pip.conf',
    });
  }
  const header = authorizationOf(url);
  if (header !== undefined) credentials.set(url.origin, header);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/+$/, '');
}

/** The header for name and password in an address. */
export function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/**
 * The proxy for an address, by the usual variables of the environment; undefined where it is reached directly.
 *
 * Source  curl's manual: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY. Ranges of addresses in NO_PROXY are not known.
 */
export function proxyFor(url: URL, env: Env, own?: string): string | undefined {
  const value = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  if (own !== undefined) return own;
  const isExcept = (value('NO_PROXY') ?? '').split(/[\s,]+/).some((entry) => fits(url, entry));
  if (isExcept) return undefined;
  return value(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? value('ALL_PROXY');
}

function fits(url: URL, entry: string): boolean {
  if (entry === '*') return true;
  const [, name = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  if (name === '' || (port !== undefined && port !== portOf(url))) return false;
  return url.hostname === name || url.hostname.endsWith(`.${name}`);
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}
