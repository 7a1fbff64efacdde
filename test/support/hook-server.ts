/** @file A web server for tests of webhooks: it notes what comes and answers by the next of its answers. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as it came. */
interface Received {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** An answer of a status, with headers. */
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(code, headers).end('ok');

/** Listens on a free port until the test is over; the last answer is repeated. */
export async function hookServer(...answers: readonly Answer[]) {
  const received: Received[] = [];
  const waiting: { count: number; done: () => void }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const { method = '', headers } = request;
      const answer = answers[Math.min(received.length, answers.length - 1)] ?? status(200);
      received.push({ method, headers, body });
      answer(response, request);
      for (const { count, done } of waiting) if (received.length >= count) done();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  /** Resolves once so many requests have come. */
  const came = (count: number) =>
    new Promise<void>((done) => {
      if (received.length >= count) done();
      else waiting.push({ count, done });
    });
  return { url: new URL(`http://127.0.0.1:${port}/services/SECRET`), received, came };
}
