/** @file The page of `tessera serve`: one file, which may load nothing from elsewhere. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readTextFile } from '../../shared/files/regular-file.ts';

/** A page and the headers that bound what it may do. */
export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads the page. Its one script and one style are allowed by their digests; it talks to its own server alone. */
export async function readPage(): Promise<Page> {
  const html = await readTextFile(createRequire(import.meta.url).resolve('#serve.html'));
  const digestOf = (tag: string) => {
    const text = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(html)?.[1] ?? '';
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  const policy = [
    "default-src 'none'",
    `script-src ${digestOf('script')}`,
    `style-src ${digestOf('style')}`,
    'img-src blob: data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    html,
    headers: { 'content-security-policy': policy.join('; '), 'referrer-policy': 'no-referrer' },
  };
}
