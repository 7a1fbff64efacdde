/** @file From the files of credentials to what this process shows to others, and what it asks of them. */
import { TesseraError } from '../../core/errors.ts';
import {
  type CertificateUse,
  CredentialFolder,
  readAuthority,
} from '../../security/credentials.ts';
import { KnownToken, readToken } from '../../security/tokens.ts';
import type { ClientSecurity, KnownTokens, ServerSecurity } from './credentials.ts';

/** The files of a process that calls a coordinator. */
export interface ClientFiles {
  /** Folder with ca.crt, tls.crt and tls.key. */
  readonly certs?: string | undefined;
  /** The authority to trust, where a token is shown instead of a certificate. */
  readonly ca?: string | undefined;
  /** `-` for stdin. */
  readonly tokenFile?: string | undefined;
}

/** The files of a process that serves a run. */
export interface ServerFiles {
  readonly certs?: string | undefined;
  /** Workers may join with this token. */
  readonly tokenFile?: string | undefined;
  readonly operatorTokenFile?: string | undefined;
}

/** Called with a message when new certificates cannot be used and the previous ones stay. */
export type OnFault = (sentence: string) => void;

/**
 * How to connect to a coordinator; undefined for plaintext.
 *
 * Throws  ACCESS_DENIED when a file cannot be used; USAGE when one is missing.
 */
export async function clientSecurity(
  { certs, ca, tokenFile }: ClientFiles,
  onFault: OnFault,
): Promise<ClientSecurity | undefined> {
  const token = tokenFile === undefined ? undefined : await readToken(tokenFile);
  if (certs !== undefined) {
    return { tls: await openFolder(certs, 'calling', onFault), token };
  }
  if (ca !== undefined) {
    const authority = await readAuthority(ca);
    const tls = { current: { authority, identity: undefined }, onChange: () => {} };
    return { tls, token };
  }
  if (token === undefined) return undefined;
  throw new TesseraError(
    'USAGE',
    '--token-file needs --ca: a token is only shown to a coordinator that has shown its certificate',
    { hint: "add --ca ca.crt, the certificate of the coordinator's authority" },
  );
}

/**
 * What a coordinator asks of its callers; undefined for plaintext. `ownToken` is of workers that it starts itself.
 *
 * Throws  ACCESS_DENIED when a file cannot be used; USAGE when a token is to travel in plaintext.
 */
export async function serverSecurity(
  { certs, tokenFile, operatorTokenFile }: ServerFiles,
  ownToken: string,
  onFault: OnFault,
): Promise<ServerSecurity | undefined> {
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
  const tls = await openFolder(certs, 'serving', onFault);
  const worker = tokenFile === undefined ? [] : [await readToken(tokenFile)];
  const tokens: KnownTokens = {
    worker: new KnownToken(ownToken, ...worker),
    ...(operatorTokenFile !== undefined && {
      operator: new KnownToken(await readToken(operatorTokenFile)),
    }),
  };
  return { tls, tokens };
}

function openFolder(folder: string, use: CertificateUse, onFault: OnFault) {
  return CredentialFolder.open(folder, {
    use,
    onFault: (error) => {
      const { sentence } = TesseraError.from(error);
      onFault(`new certificates cannot be used, the ones before stay: ${sentence}`);
    },
  });
}
