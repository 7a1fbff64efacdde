/** @file Credentials that a platform gives to what runs on it: to a container, or to a machine of a cloud. */
import { z } from 'zod';
import { TesseraError } from '../core/errors.ts';
import { readTextFile } from '../files/regular-file.ts';
import type { Credentials } from './signing.ts';

/** Where containers ask for what a relative address names. */
const CONTAINER_HOST = 'http://169.254.170.2';
/** Where machines ask, unless a variable says otherwise. */
const MACHINE_HOST = 'http://169.254.169.254';
const ROLES = '/latest/meta-data/iam/security-credentials/';
const DEADLINE_MS = 5_000;

const givenSchema = z.object({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  Token: z.string().optional(),
  Expiration: z.string().optional(),
});

/** Asks a platform. Throws  ACCESS_DENIED when it has none for us, or does not reply. */
export async function platformCredentials(
  from: 'container' | 'instance',
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<Credentials> {
  try {
    const given = givenSchema.parse(
      JSON.parse(await (from === 'container' ? ofContainer(env) : ofMachine(env))),
    );
    const { AccessKeyId, SecretAccessKey, Token, Expiration = '' } = given;
    const expiresMs = Date.parse(Expiration);
    return {
      ...{ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token },
      ...(!Number.isNaN(expiresMs) && { expiresMs }),
    };
  } catch (error) {
    const { sentence } = TesseraError.from(error);
    throw new TesseraError('ACCESS_DENIED', `the ${from} gives no credentials: ${sentence}`, {
      hint:
        from === 'instance'
          ? 'give the machine a role, or use checkpoint.mirrorCredentials: chain'
          : 'check the role of the container',
      cause: error,
    });
  }
}

async function ofContainer(env: Readonly<NodeJS.ProcessEnv>): Promise<string> {
  const near = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const url = near
    ? new URL(near, CONTAINER_HOST)
    : new URL(env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '');
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? (await readTextFile(file)).trim() : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  return await ask(url, { ...(token && { authorization: token }) });
}

async function ofMachine(env: Readonly<NodeJS.ProcessEnv>): Promise<string> {
  const host = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || MACHINE_HOST;
  const seconds = { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' };
  const token = await ask(new URL('/latest/api/token', host), seconds, 'PUT');
  const headers = { 'x-aws-ec2-metadata-token': token };
  const [role = ''] = (await ask(new URL(ROLES, host), headers)).trim().split('\n');
  return await ask(new URL(`${ROLES}${encodeURIComponent(role)}`, host), headers);
}

async function ask(url: URL, headers: Record<string, string>, method = 'GET'): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const reply = await fetch(url, { method, headers, signal, redirect: 'error' });
  if (!reply.ok) throw new Error(`${url.host} replied ${reply.status}`);
  return await reply.text();
}
