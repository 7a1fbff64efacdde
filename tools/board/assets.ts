/** @file The files of the page, read once: nothing of the disk is served beside them. */
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readTextFile } from '../../shared/files/regular-file.ts';

/** A file of the page. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Where the page says what a request that changes something must show. */
const TOKEN_MARK = '__PAGE_TOKEN__';

/** Reads the page and the charts, by the names that they are asked by. */
export async function readAssets(pageToken: string): Promise<ReadonlyMap<string, Asset>> {
  const { resolve } = createRequire(import.meta.url);
  const page = dirname(resolve('#board/index.html'));
  const charts = join(dirname(resolve('uplot/package.json')), 'dist');
  const paths = [
    ...(await readdir(page)).map((name) => join(page, name)),
    ...['uPlot.iife.min.js', 'uPlot.min.css'].map((name) => join(charts, name)),
  ];
  const assets = new Map<string, Asset>();
  for (const path of paths) {
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const text = (await readTextFile(path)).replace(TOKEN_MARK, pageToken);
    const body = Buffer.from(text);
    assets.set(path.slice(dirname(path).length + 1), { type, body, gzip: gzipSync(body) });
  }
  return assets;
}

/** What bounds the page: it loads nothing from elsewhere, and stands in no other page. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
};
