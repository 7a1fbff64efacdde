/** @file A small object store for tests, in this process: it takes, gives, lists and removes, and keeps what it was asked. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ObjectStore } from '../../shared/objects/store.ts';

/** A store that listens, with what it holds. */
export interface TestObjectStore {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** `PUT bucket/key` of each request, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Listens on a free port. Lists have five objects a page; `hasTags` is whether its tags are checksums. */
export async function serveObjects({ hasTags = true } = {}): Promise<TestObjectStore> {
  const objects = new Map<string, Buffer>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void reply(request, response, { objects, asked, hasTags }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    asked,
    close,
  };
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  {
    objects,
    asked,
    hasTags,
  }: Pick<TestObjectStore, 'objects' | 'asked'> & { readonly hasTags: boolean },
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://here');
  const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  asked.push(`${request.method} ${key}`);
  if (!request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ')) {
    response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
  } else if (request.method === 'PUT') {
    const bytes = Buffer.concat(pieces);
    objects.set(key, bytes);
    const md5 = createHash('md5').update(bytes).digest('hex');
    response.writeHead(200, { etag: hasTags ? `"${md5}"` : '"1-2"' }).end();
  } else if (request.method === 'DELETE') {
    objects.delete(key);
    response.writeHead(204).end();
  } else if (url.searchParams.has('list-type')) response.end(listOf(objects, url.searchParams));
  else if (objects.has(key)) response.end(objects.get(key));
  else response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
}

const PAGE = 5;

function listOf(objects: ReadonlyMap<string, Buffer>, query: URLSearchParams): string {
  const after = query.get('continuation-token') ?? '';
  const prefix = query.get('prefix') ?? '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, PAGE);
  const entries = page.map(
    (key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)?.length}</Size></Contents>`,
  );
  const isCut = keys.length > PAGE;
  const next = isCut ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
  return `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`;
}

/** A client of a store at an address, whose tries have almost no pauses. */
export function clientOf(endpoint: string, prefix = 'digits/one', tries = 8): ObjectStore {
  const credentials = async () => ({ accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' });
  return new ObjectStore({
    place: { bucket: 'runs', prefix },
    access: { region: 'us-east-1', endpoint, credentials, forget: () => {} },
    budget: { tries, pauseMs: 1, pauseMaxMs: 2 },
    silenceMs: 2_000,
  });
}
