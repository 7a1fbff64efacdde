/** @file A web server for tests of downloads: it answers each request with the next of the answers that it was given. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the server. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that listens, with what it was asked. */
export interface TestServer {
  readonly url: string;
  readonly ranges: (string | undefined)[];
  readonly ifRanges: (string | undefined)[];
  close(): Promise<void>;
}

/** Listens on a free port; the last answer is repeated. */
export async function serve(...answers: readonly Answer[]): Promise<TestServer> {
  const ranges: (string | undefined)[] = [];
  const ifRanges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(ranges.length, answers.length - 1)]!;
    ranges.push(request.headers.range);
    ifRanges.push(request.headers['if-range'] as string | undefined);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/file.bin`,
    ranges,
    ifRanges,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Serves a file as a good server does: ranges, If-Range and an ETag. */
export function good(content: Buffer, etag = '"one"'): Answer {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
    const isPart = !Number.isNaN(from) && request.headers['if-range'] === etag;
    if (isPart && from >= content.length) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const body = isPart ? content.subarray(from) : content;
    response.writeHead(isPart ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(isPart && {
        'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
      }),
    });
    response.end(body);
  };
}

const unfinished = new Set<ServerResponse>();

/** Promises the whole file, sends `bytes` of it, and waits for `dropConnections`. */
export function dropsAfter(
  content: Buffer,
  bytes: number,
  headers: object = { etag: '"one"' },
): Answer {
  return (_request, response) => {
    unfinished.add(response);
    response.writeHead(200, { 'content-length': content.length, ...headers });
    response.write(content.subarray(0, bytes));
  };
}

/** Drops each connection that `dropsAfter` holds: once something was read, as fetch discards the rest with the drop. */
export function dropConnections(): void {
  for (const response of unfinished) response.destroy();
  unfinished.clear();
}

/** Answers with a status alone. */
export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(code, headers).end();
  };
}
