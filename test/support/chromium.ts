/** @file A headless Chromium of this machine, and pages and files for it: nothing beyond them is reached. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { atEndOfFile } from './endings.ts';

/** Where Debian, Ubuntu and Google put it. */
const PATH = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);

/** Whether there is one; where not, tests are skipped and say so. */
export const hasChromium = PATH !== undefined;
if (!hasChromium) process.stderr.write('skipped: pages, there is no Chromium here\n');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** Serves pages, and the files of folders by the first part of their path; returns the address. */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
  pages: Readonly<Record<string, string>> = {},
): Promise<string> {
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const [, top = '', ...rest] = path.split('/');
    const body = pages[path] ?? (await readFile(join(folders[top] ?? '', ...rest)).catch(() => ''));
    const type = pages[path] === undefined ? TYPES[extname(path)] : 'text/html';
    response.writeHead(body === '' ? 404 : 200, { 'content-type': type ?? 'image/jpeg' });
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  atEndOfFile(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

let browser: Promise<Browser> | undefined;

/** Opens a page; requests to other machines fail, and `strayed` lists them. `complaints` are errors on its console. */
export async function openPage(url: string, options: BrowserContextOptions = {}) {
  // A root of containers has no sandbox.
  atEndOfFile(closeBrowser);
  browser ??= chromium.launch({ executablePath: PATH as string, args: ['--no-sandbox'] });
  const context = await (await browser).newContext(options);
  const strayed: string[] = [];
  await context.route('**', async (route) => {
    const asked = route.request().url();
    if (new URL(asked).hostname === '127.0.0.1' || !asked.startsWith('http')) {
      return await route.continue();
    }
    strayed.push(asked);
    await route.abort();
  });
  const page: Page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, strayed, faults, complaints };
}

async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}
