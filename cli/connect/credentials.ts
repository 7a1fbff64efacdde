/** @file From flags to credentials: what this process shows to others, and what it asks of them. */
import { join } from 'node:path';
import type { SecretToken, TokensByRole } from '../../shared/contract/access.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { ClientSecurity, ServerSecurity } from '../../shared/exchange/grpc/credentials.ts';
import {
  CREDENTIAL_FILES,
  CredentialFolder,
  readAuthority,
} from '../../shared/security/credentials.ts';
import { KnownToken, readToken } from '../../shared/security/tokens.ts';
import { say } from '../terminal/output.ts';

/** Flags of every command that calls a coordinator. */
export interface ClientSecurityFlags {
  /** Folder with ca.crt, tls.crt and tls.key. */
  readonly certs?: string;
  /** The authority to trust, for who shows a token instead of a certificate. */
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly insecure?: true;
}

/** Flags of the commands that serve a run. */
export interface ServerSecurityFlags {
  readonly certs?: string;
  readonly tokenFile?: string;
  readonly operatorTokenFile?: string;
  readonly insecure?: true;
}

/** How to connect to a coordinator. Throws  ACCESS_DENIED when a file cannot be used; USAGE when flags are missing. */
export async function clientConnection(
  flags: ClientSecurityFlags,
): Promise<{ readonly security: ClientSecurity | undefined; readonly insecure: boolean }> {
  const { certs, ca, tokenFile, insecure = false } = flags;
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  if (certs !== undefined) {
    const tls = await CredentialFolder.open(certs, { use: 'calling', onTrouble: sayTrouble });
    return { security: { tls, token }, insecure };
  }
  if (ca !== undefined) {
    const authority = await readAuthority(ca);
    const tls = { current: { authority, identity: undefined }, onChange: () => {} };
    return { security: { tls, token }, insecure };
  }
  if (token !== undefined) {
    throw new TesseraError(
      'USAGE',
      '--token-file needs --ca: a token is never shown to who has not shown a certificate',
      {
        hint: "add --ca ca.crt, the certificate of the coordinator's authority",
      },
    );
  }
  return { security: undefined, insecure };
}

/**
 * What a coordinator asks of its callers. `ownToken` is of workers that it starts itself.
 *
 * Throws  ACCESS_DENIED when a file cannot be used; USAGE when a token is to travel in plaintext.
 */
export async function serverSecurity(
  flags: ServerSecurityFlags,
  ownToken: string,
): Promise<ServerSecurity | undefined> {
  const { certs, tokenFile, operatorTokenFile } = flags;
  if (certs === undefined) {
    if (tokenFile === undefined && operatorTokenFile === undefined) return undefined;
    throw new TesseraError('USAGE', 'tokens need --certs: they never travel in plaintext', {
      hint: 'make certificates with `tessera certs init`, and give --certs FOLDER',
    });
  }
  if (tokenFile !== undefined && tokenFile === operatorTokenFile) {
    throw new TesseraError('USAGE', `workers and operators cannot share a token (${tokenFile})`, {
      hint: 'make one for each role: tessera certs token',
    });
  }
  const tls = await CredentialFolder.open(certs, { use: 'serving', onTrouble: sayTrouble });
  const worker = tokenFile === undefined ? [] : [new KnownToken(await readToken(tokenFile))];
  const tokens: TokensByRole = {
    worker: anyOf([new KnownToken(ownToken), ...worker]),
    ...(operatorTokenFile !== undefined && {
      operator: new KnownToken(await readToken(operatorTokenFile)),
    }),
  };
  return { tls, tokens };
}

/** The flags by which a worker of this machine comes to a coordinator with these; its token comes on stdin. */
export function localWorkerFlags({ certs }: ServerSecurityFlags): string[] {
  if (certs === undefined) return [];
  return ['--ca', join(certs, CREDENTIAL_FILES.authority), '--token-file', '-'];
}

function anyOf(tokens: readonly SecretToken[]): SecretToken {
  // All are compared, whichever is right.
  return { is: (shown) => tokens.filter((token) => token.is(shown)).length > 0 };
}

function sayTrouble(error: unknown): void {
  say(
    `⚠ new certificates cannot be used, the ones before stay: ${TesseraError.from(error).sentence}`,
  );
}
