/** @file How a call ends on the client's side: trailers, replies that are not gRPC, resets and lost connections as statuses. */
import { constants, type IncomingHttpHeaders } from 'node:http2';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';

/** What a peer says instead of a status (the table of gRPC for HTTP). */
const OF_HTTP: Readonly<Record<number, status>> = {
  400: status.INTERNAL,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.UNIMPLEMENTED,
  429: status.UNAVAILABLE,
  502: status.UNAVAILABLE,
  503: status.UNAVAILABLE,
  504: status.UNAVAILABLE,
};

/** A status without metadata. */
export function plainStatus(code: status, details: string): StatusObject {
  return { code, details, metadata: new Metadata() };
}

/** Why an answer is not gRPC; undefined for one that may be. */
export function notGrpc(headers: IncomingHttpHeaders): StatusObject | undefined {
  const http = Number(headers[':status']);
  const isGrpc = headers['content-type']?.startsWith('application/grpc') === true;
  if (http === 200 && (isGrpc || headers['grpc-status'] !== undefined)) return undefined;
  return plainStatus(OF_HTTP[http] ?? status.UNKNOWN, `Received HTTP status code ${http}`);
}

/** The status in trailers; undefined when they have none. */
export function statusIn(trailers: IncomingHttpHeaders): StatusObject | undefined {
  const code = Number(trailers['grpc-status']);
  if (trailers['grpc-status'] === undefined || !Number.isInteger(code)) return undefined;
  const details = decoded(String(trailers['grpc-message'] ?? ''));
  try {
    return { code, details, metadata: Metadata.fromHttp2Headers(trailers) };
  } catch {
    return plainStatus(code, details);
  }
}

/** The status of a call that ended without one: `fault` is what the connection or the stream failed with. */
export function statusOfReset(rstCode: number, fault: Error | undefined): StatusObject {
  if (fault !== undefined) return plainStatus(status.UNAVAILABLE, textOf(fault));
  switch (rstCode) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return plainStatus(status.UNAVAILABLE, 'Stream refused by server');
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return plainStatus(status.RESOURCE_EXHAUSTED, 'the server has no room for this call');
    case constants.NGHTTP2_CANCEL:
      // Node says so of a connection that was closed, too.
      return plainStatus(status.UNAVAILABLE, 'Connection dropped');
    default:
      return plainStatus(status.INTERNAL, `Received RST_STREAM with code ${rstCode}`);
  }
}

/** With its code: the message of several failed attempts (happy eyeballs) is empty. */
function textOf(fault: NodeJS.ErrnoException): string {
  return [fault.code, fault.message].filter(Boolean).join(': ');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
