/** @file From flags to credentials: what this process shows to others, and what it asks of them. */
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

/** Flags of the commands that ask a coordinator. */
export interface RunAddressFlags extends ClientSecurityFlags {
  /** HOST:PORT, or a run of this machine; the run that was started last unless given. */
  readonly run?: string;
}

/** Flags of the commands that serve a run. */
export interface ServerSecurityFlags extends ServerFiles {
  readonly insecure?: true;
}

/** How to connect to a coordinator. Throws  ACCESS_DENIED when a file cannot be used; USAGE when flags are missing. */
export async function clientConnection(
  flags: ClientSecurityFlags,
): Promise<{ readonly security: ClientSecurity | undefined; readonly insecure: boolean }> {
  const security = await clientSecurity(flags, (sentence) => say(`⚠ ${sentence}`));
  return { security, insecure: flags.insecure ?? false };
}
