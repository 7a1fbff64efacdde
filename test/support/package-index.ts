/** @file A Python package index for tests: pages of the simple API, and files that resume. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, good } from './file-server.ts';

/** A file that the index has; what it says of it may be a lie. */
export interface IndexFile {
  readonly project: string;
  readonly file: string;
  readonly content: Buffer;
  readonly sha256?: string;
  readonly bytes?: number;
}

/** How the index behaves. */
export interface IndexManner {
  readonly html?: boolean;
  /** Takes a request in place of the index when it returns true. */
  readonly instead?: (path: string, ...args: Parameters<Answer>) => boolean;
}

/** A running index. */
export interface TestIndex {
  /** Of the simple API. */
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
}

/** SHA-256 in hex. */
export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Serves files on a free port. */
export async function servePackages(
  files: readonly IndexFile[],
  manner: IndexManner = {},
  makeServer: (listener: RequestListener) => Server = createServer,
): Promise<TestIndex> {
  const requests: TestIndex['requests'] = [];
  const server = makeServer((request, response) => {
    const path = (request.url ?? '').replace(/^https?:\/\/[^/]+/, '');
    requests.push({ path, headers: request.headers });
    if (manner.instead?.(path, request, response)) return;
    const [, project] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
    const own = files.filter((file) => file.project === project);
    const file = files.find(({ file }) => path === `/files/${file}`);
    if (own.length > 0) {
      const [type, text] = manner.html ? ['text/html', html(own)] : [JSON_TYPE, json(own)];
      response.writeHead(200, { 'content-type': type }).end(text);
    } else if (file !== undefined) good(file.content)(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const scheme = makeServer === createServer ? 'http' : 'https';
  return {
    url: `${scheme}://127.0.0.1:${port}/simple`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';

function json(files: readonly IndexFile[]): string {
  return JSON.stringify({
    meta: { 'api-version': '1.1' },
    name: files[0]?.project,
    files: files.map(({ file, content, sha256, bytes }) => ({
      filename: file,
      url: `../../files/${file}`,
      hashes: { sha256: sha256 ?? sha256Of(content) },
      size: bytes ?? content.length,
    })),
  });
}

function html(files: readonly IndexFile[]): string {
  const links = files.map(
    ({ file, content, sha256 }) =>
      `<a href="../../files/${file}#sha256=${sha256 ?? sha256Of(content)}" data-requires-python="&gt;=3">${file}</a>`,
  );
  return `<!DOCTYPE html><html><body>${links.join('<br/>\n')}</body></html>`;
}
