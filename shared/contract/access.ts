/**
 * @file Who may call what: one table, and the judgement of every call by it.
 *
 * A credential is a client certificate of the cluster's authority, or a token. It gives one role; a role allows some
 * calls. Without required credentials (plaintext on loopback, or `--insecure`) every call is allowed.
 */
import type { PeerCertificate } from 'node:tls';
import { TesseraError } from '../core/errors.ts';
import type { CertificateFault } from '../security/certificate-faults.ts';

/** What the owner of a credential may be. */
export type Role = 'worker' | 'operator';

/** Methods and the roles that may call them; a method that is not listed is refused. */
export const ACCESS_TABLE: Readonly<Record<string, readonly Role[] | 'any'>> = {
  '/tessera.v1.Control/Session': ['worker'],
  '/tessera.v1.Control/GetStatus': ['worker', 'operator'],
  '/tessera.v1.Control/StopRun': ['operator'],
  '/tessera.v1.Exchange/PushNode': ['worker'],
  '/tessera.v1.Exchange/PullParameters': ['worker'],
  '/tessera.v1.Exchange/FetchSamples': ['worker'],
  '/tessera.v1.Exchange/FetchFeatures': ['worker'],
  '/tessera.v1.Exchange/FetchExecutable': ['worker'],
  '/tessera.v1.Exchange/PushExecutable': ['worker'],
  '/tessera.v1.Exchange/Probe': ['worker', 'operator'],
  // It shows only that a server listens, as the open port does.
  '/grpc.health.v1.Health/Check': 'any',
  // An endless stream is not for unknown callers.
  '/grpc.health.v1.Health/Watch': ['worker', 'operator'],
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': ['operator'],
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': ['operator'],
};

/** Something that only the owner of a token can show. */
interface SecretToken {
  is(shown: string): boolean;
}

/** What a coordinator accepts beside certificates. */
export type TokensByRole = Partial<Readonly<Record<Role, SecretToken>>>;

/** What a caller shows. */
export interface ShownCredential {
  /** Of a certificate that the cluster's authority has signed and that has not expired; undefined without one. */
  readonly certificate: Pick<PeerCertificate, 'subject'> | undefined;
  /** What is wrong with a certificate that was shown and is not accepted. */
  readonly fault?: CertificateFault | undefined;
  /** The `authorization` metadata, '' without. */
  readonly authorization: string;
}

/**
 * Judges a call; returns the role of the caller, undefined for a call that is open to all.
 *
 * Throws  ACCESS_DENIED: no credential, a wrong one, or one whose role does not allow this call.
 */
export function refuseUnlessAllowed(
  method: string,
  shown: ShownCredential,
  tokens: TokensByRole,
): Role | undefined {
  const allowed = Object.hasOwn(ACCESS_TABLE, method) ? ACCESS_TABLE[method] : undefined;
  if (allowed === 'any') return undefined;
  const role = roleOf(shown, tokens);
  if (role !== undefined && allowed?.includes(role)) return role;
  const call = method.slice(method.lastIndexOf('/') + 1);
  if (role !== undefined) {
    const whose = allowed?.join(' or ') ?? 'none';
    throw new TesseraError(
      'ACCESS_DENIED',
      `${call} is for the role ${whose}, this credential has the role ${role}`,
      {
        hint: `give a credential of the role ${whose}: tessera certs issue CERTS NAME --role ${allowed?.[0] ?? 'worker'} makes one`,
      },
    );
  }
  const { reason, hint } = whatWasShown(shown);
  throw new TesseraError('ACCESS_DENIED', `${call} needs a credential, and ${reason}`, { hint });
}

function roleOf(
  { certificate, authorization }: ShownCredential,
  tokens: TokensByRole,
): Role | undefined {
  const unit = certificate?.subject.OU;
  if (unit === 'worker' || unit === 'operator') return unit;
  const token = /^Bearer (\S+)$/.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  // Every token is compared, whatever the first comparison says.
  const roles = (['worker', 'operator'] as const).filter((role) => tokens[role]?.is(token));
  return roles[0];
}

function whatWasShown({ certificate, fault, authorization }: ShownCredential) {
  if (certificate !== undefined) {
    const hint =
      'the OU of a certificate must be worker or operator, as tessera certs issue CERTS NAME --role worker makes it';
    return { reason: 'the certificate shown names no role that may call', hint };
  }
  if (authorization !== '') {
    const hint =
      'give the file that the coordinator was started with (--token-file, --operator-token-file): a token of another run opens nothing';
    return { reason: 'the token shown is not known here', hint };
  }
  if (fault !== undefined) return { reason: fault.reason, hint: fault.ofCaller };
  const hint = 'give --certs FOLDER with a certificate of this cluster, or --ca and --token-file';
  return { reason: 'none was shown', hint };
}
