/** @file Requests that an HTTP server does not carry out, and why. Pure. */
import { isLoopback } from '../../shared/core/address.ts';

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** A request that is not carried out. */
export interface Refusal {
  readonly type: 'refused';
  readonly status: number;
  readonly code: string;
  readonly sentence: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a caller that reaches a server on loopback by another name: a page of another site that has rebound its own. */
export function refuseOtherName({ host: named }: RequestHead['headers']): Refusal | undefined {
  const host = String(named ?? '');
  if (isLoopback(/:\d+$/.test(host) ? host : `${host}:80`)) return undefined;
  return refused(421, 'WRONG_HOST', `this server is not called ${host || 'nothing'}`);
}

/** Of a request that a page of another site makes. */
export function refuseOtherSite(headers: RequestHead['headers']): Refusal | undefined {
  if (headers['sec-fetch-site'] !== 'cross-site') return undefined;
  return refused(403, 'CROSS_SITE', 'pages of other sites may not use this server');
}

/** A refusal in words. */
export function refused(
  status: number,
  code: string,
  sentence: string,
  headers?: Refusal['headers'],
): Refusal {
  return { type: 'refused', status, code, sentence, ...(headers && { headers }) };
}
