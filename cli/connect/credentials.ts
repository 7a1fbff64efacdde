/** @file From flags to credentials: what this process shows to others, and what it asks of them. */
import { TesseraError } from '../../shared/core/errors.ts';
import type { ClientSecurity } from '../../shared/exchange/grpc/credentials.ts';
import {
  type ClientFiles,
  clientSecurity,
  type ServerFiles,
} from '../../shared/exchange/grpc/security.ts';
import { say } from '../terminal/output.ts';

/** Flags of every command that calls a coordinator. */
export interface ClientSecurityFlags extends ClientFiles {
  readonly insecure?: true;
}

/** Flags of the commands that serve a run. */
export interface ServerSecurityFlags extends ServerFiles {
  readonly insecure?: true;
}

/** How to connect to a coordinator. Throws  ACCESS_DENIED when a file cannot be used; USAGE when flags are missing. */
export async function clientConnection(
  flags: ClientSecurityFlags,
): Promise<{ readonly security: ClientSecurity | undefined; readonly insecure: boolean }> {
  const security = await clientSecurity(flags, sayTrouble);
  return { security, insecure: flags.insecure ?? false };
}

function sayTrouble(error: unknown): void {
  say(
    `⚠ new certificates cannot be used, the ones before stay: ${TesseraError.from(error).sentence}`,
  );
}
