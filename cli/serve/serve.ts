/** @file `tessera serve`: a trained model over HTTP, until a signal ends it. */
import { systemClock } from '../../shared/core/clock.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { CredentialFolder } from '../../shared/security/credentials.ts';
import { refuseExposure } from '../../shared/security/listen-policy.ts';
import { KnownToken, readToken } from '../../shared/security/tokens.ts';
import type { HttpSecurity } from '../../tools/http/access.ts';
import type { ReadOptions } from '../../tools/inference/read/read-model.ts';
import { startServedModel } from '../../tools/serve/served-model.ts';
import { serveModel } from '../../tools/serve/server.ts';
import { findNamedModel } from '../inputs/model.ts';
import { pointer, print, say } from '../terminal/output.ts';

/** Flags of `serve`. */
export interface ServeFlags extends Pick<ReadOptions, 'heads' | 'weightsKey' | 'set'> {
  /** The newest run unless given. */
  readonly path?: string;
  readonly host: string;
  readonly port: number;
  readonly batch: number;
  readonly classes?: string;
  readonly certs?: string;
  readonly tokenFile?: string;
  readonly insecure?: true;
}

/** Serves a model until the process is asked to stop. Throws  what opening it and listening throw. */
export async function runServe(flags: ServeFlags): Promise<void> {
  const { host, port, batch, classes, heads, weightsKey, set, insecure } = flags;
  const listen =
    host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
  const security = await securityOf(flags);
  refuseExposure(listen, { security, insecure });
  const path = await findNamedModel(flags.path);
  const shutdown = watchShutdown({ announce: say });
  try {
    const options = { classes, heads, weightsKey, set };
    const model = await startServedModel({ path, options, batch });
    for (const note of model.description.notes) say(`note: ${note}`);
    try {
      const { clock, signal } = { clock: systemClock, signal: shutdown.signal };
      const server = await serveModel({ model, batch, listen, security, insecure, clock });
      const { path: weights, classes: names, engine } = model.description;
      say(pointer('model', `${weights}: ${names.length} classes, ${engine}`));
      say(pointer('try it', `curl --data-binary @photo.jpg ${server.url}/predict`));
      print([server.url]);
      const asked = new Promise<void>((stop) => signal.addEventListener('abort', () => stop()));
      await Promise.race([signal.aborted ? undefined : asked, server.failed]).finally(() =>
        server.close(),
      );
    } finally {
      await model.close();
      security?.tls.close();
    }
  } finally {
    shutdown.dispose();
  }
}

/** Throws  ACCESS_DENIED when a file cannot be used; USAGE when a token is to travel in plaintext. */
async function securityOf({ certs, tokenFile }: ServeFlags): Promise<HttpSecurity | undefined> {
  if (certs === undefined) {
    if (tokenFile === undefined) return undefined;
    throw new TesseraError(
      'USAGE',
      '--token-file needs --certs: tokens never travel in plaintext',
      {
        hint: 'make certificates with `tessera certs init`, and give --certs FOLDER',
      },
    );
  }
  const onFault = (error: unknown) => {
    const { sentence } = TesseraError.from(error);
    say(`⚠ new certificates cannot be used, the ones before stay: ${sentence}`);
  };
  const tls = await CredentialFolder.open(certs, { use: 'serving', onFault });
  const token = tokenFile === undefined ? undefined : new KnownToken(await readToken(tokenFile));
  return { tls, token };
}
