/** @file What a certificate may be called: a name that is neither a path nor a piece of a subject, hosts that TLS can compare. */
import { isIP } from 'node:net';
import { TesseraError } from '../core/errors.ts';

/** At most 64 characters fit in a common name (RFC 5280, ub-common-name). */
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
/** The last label of an address that is none (10.0.0.999) is a number; no domain's is. */
const HOST = new RegExp(`^(?:\\*\\.)?(?:${LABEL}\\.)*(?!\\d+$)${LABEL}$`, 'i');
const HOST_LENGTH_MAX = 253;

/** A name of a credential and of its folder. Throws  USAGE when it is none. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new TesseraError('USAGE', `${JSON.stringify(name)} is not a valid name for a credential`, {
    hint: 'use 1 to 64 letters, digits, dots, dashes and underscores, such as gpu2',
  });
}

/** A host without its port. Throws  USAGE when it is none. */
export function checkHost(host: string): string {
  const isAddress = isIP(host) !== 0 && !host.includes('%');
  if (isAddress || (host.length <= HOST_LENGTH_MAX && HOST.test(host))) return host;
  throw new TesseraError('USAGE', `${JSON.stringify(host)} is not a host name or address`, {
    hint: 'give it as workers use it but without a port, such as gpu1.local, 10.0.0.1 or fd00::1',
  });
}
