/** @file Sends requests as pip does: through a proxy, with certificates of one's own, with the credentials of an index. */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect } from 'node:tls';
import { TesseraError } from '../../../shared/core/errors.ts';
import { cannotRead } from '../../../shared/files/files.ts';
import { readTextFile } from '../../../shared/files/regular-file.ts';
import type { Send, WebRequest } from '../../downloads/http.ts';
import { authorizationOf, type IndexSettings, proxyFor } from './settings.ts';

/** Statuses of replies without a body. */
const BODILESS: readonly number[] = [204, 205, 304];

/** The sender for an index. Throws  DATA_INVALID when its certificates cannot be read. */
export async function senderFor(
  { credentials, certificates, proxy }: IndexSettings,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Send> {
  const ca = certificates === undefined ? undefined : await readCertificates(certificates);
  return async (url, { headers, signal }) => {
    const authorization = credentials.get(url.origin);
    const request: WebRequest = {
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      signal,
    };
    const via = proxyFor(url, env, proxy);
    const sent =
      via === undefined
        ? direct(url, request, ca)
        : await throughProxy(url, request, { ca, proxy: parseProxy(via) });
    return await replyTo(sent, url);
  };
}

async function readCertificates(path: string): Promise<string> {
  return await readTextFile(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
}

function parseProxy(address: string): URL {
  const text = address.includes('://') ? address : `http://${address}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new TesseraError('USAGE', 'the proxy of the environment is not an http proxy', {
    hint: 'give an address such as http://HOST:PORT in HTTPS_PROXY, or the wheels with --from',
  });
}

function direct(url: URL, { headers, signal }: WebRequest, ca: string | undefined): ClientRequest {
  if (url.protocol === 'http:') return requestHttp(url, { headers, signal });
  return requestHttps(url, { headers, signal, ...(ca !== undefined && { ca }) });
}

/** Plain requests name the whole address; encrypted ones go through a tunnel, which the proxy cannot read. */
async function throughProxy(
  url: URL,
  { headers, signal }: WebRequest,
  { ca, proxy }: { readonly ca: string | undefined; readonly proxy: URL },
): Promise<ClientRequest> {
  const authorization = authorizationOf(proxy);
  const own = authorization === undefined ? {} : { 'proxy-authorization': authorization };
  const address = {
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    signal,
  };
  const toProxy = proxy.protocol === 'https:' ? requestHttps : requestHttp;
  const trusted = ca === undefined ? {} : { ca };
  if (url.protocol === 'http:') {
    const host = url.host;
    return toProxy({
      ...address,
      ...trusted,
      path: url.href,
      headers: { ...headers, ...own, host },
    });
  }
  const target = `${url.hostname}:${url.port || 443}`;
  const tunnel = toProxy({
    ...address,
    ...trusted,
    method: 'CONNECT',
    path: target,
    headers: { ...own, host: target },
  });
  const socket = await tunnelled(tunnel, proxy);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  // Without an agent: one would open a connection of its own, past the proxy.
  return requestHttps(url, {
    headers,
    signal,
    createConnection: () => connect({ socket, host, ...servername, ...trusted }),
  });
}

function tunnelled(tunnel: ClientRequest, proxy: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    tunnel.once('connect', (reply: IncomingMessage, socket: Socket) => {
      if (reply.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} returned ${reply.statusCode} to a tunnel`));
    });
    tunnel.once('response', (reply) => {
      reply.destroy();
      reject(new Error(`the proxy ${proxy.host} returned ${reply.statusCode} to a tunnel`));
    });
    tunnel.on('error', reject);
    tunnel.end();
  });
}

/** The reply as `fetch` would hand it over, with the address that it came from. */
function replyTo(request: ClientRequest, url: URL): Promise<Response> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.once('response', (message) => {
      const status = message.statusCode ?? 0;
      const headers = new Headers();
      for (let at = 0; at + 1 < message.rawHeaders.length; at += 2) {
        headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
      }
      const body = BODILESS.includes(status) ? null : (Readable.toWeb(message) as ReadableStream);
      if (body === null) message.resume();
      try {
        const reply = new Response(body, {
          status,
          statusText: message.statusMessage ?? '',
          headers,
        });
        Object.defineProperty(reply, 'url', { value: url.href });
        resolve(reply);
      } catch (error) {
        // A status or a header that no reply may have.
        message.destroy();
        reject(error);
      }
    });
    request.end();
  });
}
