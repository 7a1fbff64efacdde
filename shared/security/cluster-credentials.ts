/**
 * @file The credentials of a cluster as files: an authority, and a folder for each role below it. What writes them decides
 * where: a disk, a Secret, the stdin of another machine.
 */
import {
  type CertificateRole,
  createAuthority,
  issueCertificate,
  type KeyPairPem,
  type LeafRequest,
} from './certificates.ts';
import { CREDENTIAL_FILES } from './credentials.ts';

/** Name of the authority's key, beside its certificate. */
export const AUTHORITY_KEY = 'ca.key';
/** The roles that have a folder, which has the role's name. */
export const ROLES = ['coordinator', 'worker', 'operator'] as const satisfies CertificateRole[];
/** A coordinator is always dialled by its own machine too. */
const OWN_HOSTS = ['localhost', '127.0.0.1', '::1'];

/** A file of a credential. */
export interface CredentialText {
  /** Within its folder, with slashes. */
  readonly path: string;
  readonly text: string;
  /** 0600 for a key. */
  readonly mode: 0o600 | 0o644;
}

/**
 * The files of a leaf's folder. The key comes before the certificate, so that a folder that is watched never has a
 * certificate without its key. Throws  as `issueCertificate` does.
 */
export async function leafFiles(
  authority: KeyPairPem,
  request: LeafRequest,
): Promise<readonly CredentialText[]> {
  const { role, hosts } = request;
  const all = role === 'coordinator' ? [...new Set([...hosts, ...OWN_HOSTS])] : [];
  const leaf = await issueCertificate(authority, { ...request, hosts: all });
  return [
    { path: CREDENTIAL_FILES.authority, text: authority.certificate, mode: 0o644 },
    { path: CREDENTIAL_FILES.key, text: leaf.key, mode: 0o600 },
    { path: CREDENTIAL_FILES.certificate, text: leaf.certificate, mode: 0o644 },
  ];
}

/** The files of an authority. */
export function authorityFiles({ certificate, key }: KeyPairPem): readonly CredentialText[] {
  return [
    { path: AUTHORITY_KEY, text: key, mode: 0o600 },
    { path: CREDENTIAL_FILES.authority, text: certificate, mode: 0o644 },
  ];
}

/** What a cluster's credentials are made for. */
export interface ClusterRequest {
  /** Names and addresses under which the coordinator is dialled. */
  readonly hosts: readonly string[];
  /** Life of the certificates, the authority's too. */
  readonly days: number;
}

/**
 * New credentials of a whole cluster, in the layout of `tessera certs init`, without the authority's key: nothing more can
 * be issued. Throws  USAGE for odd hosts.
 */
export async function clusterCredentials({
  hosts,
  days,
}: ClusterRequest): Promise<readonly CredentialText[]> {
  const authority = await createAuthority('tessera', days);
  const folders = await Promise.all(
    ROLES.map(async (role) => {
      const files = await leafFiles(authority, { name: role, role, hosts, days });
      return files.map((file) => ({ ...file, path: `${role}/${file.path}` }));
    }),
  );
  const [, certificate] = authorityFiles(authority);
  return [certificate as CredentialText, ...folders.flat()];
}
