/** @file To whom a page is shown: by the rule of gRPC, an operator over TLS, or this machine alone. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { ServerFiles } from '../../shared/exchange/grpc/security.ts';
import { CredentialFolder } from '../../shared/security/credentials.ts';
import { refuseExposure } from '../../shared/security/listen-policy.ts';
import { KnownToken, readToken } from '../../shared/security/tokens.ts';
import type { HttpSecurity } from '../../tools/http/access.ts';
import { say, warning } from '../terminal/output.ts';

/** Flags of a command that serves a page. */
export interface PageSecurityFlags extends Pick<ServerFiles, 'certs' | 'operatorTokenFile'> {
  readonly insecure?: boolean | undefined;
}

/** Throws  ACCESS_DENIED for an address that others reach, without TLS; USAGE for none. */
export function refusePageExposure(listen: string, { certs, insecure }: PageSecurityFlags): void {
  refuseExposure(listen, { security: certs, insecure });
}

/** What the server of a page shows and asks for; undefined for plaintext. Throws  ACCESS_DENIED for a file of no use. */
export async function pageSecurity(flags: PageSecurityFlags): Promise<HttpSecurity | undefined> {
  const { certs, operatorTokenFile } = flags;
  if (certs === undefined) return undefined;
  const onFault = (error: unknown) => {
    const { sentence } = TesseraError.from(error);
    say(warning(`the page keeps its certificates, new ones cannot be used: ${sentence}`));
  };
  const tls = await CredentialFolder.open(certs, { use: 'serving', onFault });
  // Stdin was read by the run.
  const isFile = operatorTokenFile !== undefined && operatorTokenFile !== '-';
  return { tls, token: isFile ? new KnownToken(await readToken(operatorTokenFile)) : undefined };
}
