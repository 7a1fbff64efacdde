/**
 * @file Whose requests to an object store are: the usual chain of variables, profiles, and what the platform gives.
 *
 * The metadata of a cloud's machine are asked only where that is said: no user has typed an address there.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../core/errno.ts';
import { TesseraError } from '../core/errors.ts';
import { readTextFile } from '../files/regular-file.ts';
import type { CredentialSource, StoreAddress } from './place.ts';
import { platformCredentials } from './platform-credentials.ts';
import { type Profile, profileIn } from './profiles.ts';
import type { Credentials } from './signing.ts';

/** How a store is reached, and as whom. */
export interface StoreAccess extends StoreAddress {
  /** The credentials at present; they are asked for again before they end. Throws  ACCESS_DENIED where there are none. */
  credentials(): Promise<Credentials>;
  /** The store says that they have ended. */
  forget(): void;
}

/** Credentials that end sooner than this are asked for again. */
const EARLY_MS = 5 * 60_000;
const REGION = 'us-east-1';

/** The access that variables and profiles describe. Throws  CONFIG_INVALID for a profile that is not there. */
export async function storeAccess(
  source: CredentialSource,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): Promise<StoreAccess> {
  const profile = await readProfile(env);
  const find = async () =>
    source === 'instance'
      ? await platformCredentials('instance', env)
      : (fromVariables(env) ?? fromProfile(profile) ?? (await fromContainer(env)));
  let known: Credentials | undefined;
  return {
    region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || profile['region'] || REGION,
    endpoint:
      env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || profile['endpoint_url'] || undefined,
    async credentials() {
      if (
        known === undefined ||
        (known.expiresMs ?? Number.POSITIVE_INFINITY) < Date.now() + EARLY_MS
      ) {
        known = await find();
      }
      if (known === undefined) throw noCredentials(profile);
      return known;
    },
    forget() {
      known = undefined;
    },
  };
}

function fromVariables(env: Readonly<NodeJS.ProcessEnv>): Credentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] || undefined };
}

function fromProfile(profile: Profile): Credentials | undefined {
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = profile;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: profile['aws_session_token'] || undefined };
}

/** A platform that sets these variables has said where to ask. */
async function fromContainer(env: Readonly<NodeJS.ProcessEnv>): Promise<Credentials | undefined> {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: near, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } =
    env;
  return near || full ? await platformCredentials('container', env) : undefined;
}

/** The settings of the profile in both files; those of the credentials count. */
async function readProfile(env: Readonly<NodeJS.ProcessEnv>): Promise<Profile> {
  const folder = join(env['HOME'] || homedir(), '.aws');
  const name = env['AWS_PROFILE'] || 'default';
  const paths = [
    env['AWS_CONFIG_FILE'] || join(folder, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] || join(folder, 'credentials'),
  ];
  const found = await Promise.all(paths.map((path) => readIfThere(path)));
  const profiles = found.map((text) => profileIn(text, name)).filter((one) => one !== undefined);
  if (profiles.length === 0 && env['AWS_PROFILE']) {
    throw new TesseraError(
      'CONFIG_INVALID',
      `there is no profile ${name} in ${paths.join(' or ')}`,
      {
        hint: 'correct AWS_PROFILE',
      },
    );
  }
  return Object.assign(Object.create(null), ...profiles);
}

async function readIfThere(path: string): Promise<string> {
  return await readTextFile(path).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error))) return '';
    throw new TesseraError(
      'CONFIG_INVALID',
      `cannot read ${path}: ${TesseraError.from(error).sentence}`,
    );
  });
}

/** Ways of profiles to get credentials that are not gone here. */
const OTHER_WAYS = ['role_arn', 'credential_process', 'sso_session', 'sso_start_url'];

function noCredentials(profile: Profile): TesseraError {
  const other = OTHER_WAYS.find((key) => profile[key] !== undefined);
  const why = other === undefined ? '' : `: ${other} of a profile is not used`;
  return new TesseraError('ACCESS_DENIED', `there are no credentials for the object store${why}`, {
    hint:
      other === undefined
        ? 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials; those of a cloud machine need checkpoint.mirrorCredentials: instance'
        : 'export what `aws configure export-credentials --format env` prints',
  });
}
