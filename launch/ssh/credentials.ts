/** @file The credentials of one launch: made for it, in a folder that goes with it. No host gets a file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cannotWrite } from '../../shared/files/files.ts';
import { clusterCredentials } from '../../shared/security/cluster-credentials.ts';
import { CREDENTIAL_FILES } from '../../shared/security/credentials.ts';
import { writeCredentials } from '../up/join-folder.ts';

/** Longer than any run: they end with it. */
const DAYS = 365;

/** The credentials of one launch. */
export interface LaunchCredentials {
  /** The folder of the coordinator; `status` finds the operator's beside it. */
  readonly certs: string;
  /** The certificate of the authority, whose key was never written. PEM. */
  readonly authority: string;
  remove(): Promise<void>;
}

/** Makes credentials for a coordinator that is dialled by these names and addresses. Throws  CANNOT_WRITE. */
export async function launchCredentials(hosts: readonly string[]): Promise<LaunchCredentials> {
  const files = await clusterCredentials({ hosts, days: DAYS });
  const authority = files.find(({ path }) => path === CREDENTIAL_FILES.authority)?.text ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'tessera-launch-')).catch((cause: unknown) => {
    throw cannotWrite(tmpdir(), cause);
  });
  const remove = () => rm(folder, { recursive: true, force: true }).catch(() => {});
  try {
    await writeCredentials(folder, files);
  } catch (error) {
    await remove();
    throw error;
  }
  return { certs: join(folder, 'coordinator'), authority, remove };
}
