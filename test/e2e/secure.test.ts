/** @file A run over TLS: the same bits, whether workers show certificates or tokens. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';

const folder = scratchFolder();

it('certificates and tokens join one run over TLS, which ends with the bits of a plain one', async () => {
  const certs = join(folder, 'certs');
  const made = await tessera(['certs', 'init', certs]);
  expect(made.code, made.stderr).toBe(0);
  const token = join(folder, 'join.token');
  writeFileSync(token, (await tessera(['certs', 'token'])).stdout, { mode: 0o600 });
  const args = ['--json', '--workers', '1', '--set', 'training.epochs=1'];
  const plain = await tessera([
    ...['train', ...SMALL_RUN, ...args, '--run-folder', join(folder, 'plain')],
  ]);
  // The worker that `train` starts itself comes with a token of its own, on stdin.
  const secure = new TesseraProcess([
    ...['train', ...SMALL_RUN, ...args, '--run-folder', join(folder, 'secure')],
    ...['--listen', '127.0.0.1:0', '--certs', join(certs, 'coordinator'), '--token-file', token],
    // It waits for the others, so it can be asked.
    ...['--set', 'cluster.minWorkers=3'],
  ]);
  const address = (await secure.printed(/(127\.0\.0\.1:[1-9]\d*)/))[1] as string;
  const status = await tessera(['status', address, '--json', '--certs', join(certs, 'operator')]);
  expect(status.code, status.stderr).toBe(0);
  const denied = await tessera(['stop', address, '--certs', join(certs, 'worker')]);
  expect(denied.code).toBe(77);
  const others = [
    ['--certs', join(certs, 'worker')],
    ['--ca', join(certs, 'ca.crt'), '--token-file', token],
  ].map((shown) => new TesseraProcess(['worker', address, '--threads', '1', ...shown]));
  await secure.printed(/\(3 workers\)/);
  const ended = await secure.ended;
  expect(ended.code, ended.stderr).toBe(0);
  for (const other of others) expect((await other.ended).code).toBe(0);
  const { parametersSha256 } = JSON.parse(ended.stdout);
  expect(parametersSha256).toBe(JSON.parse(plain.stdout).parametersSha256);
});

it('a key that others can read is refused by its name', async () => {
  const certs = join(folder, 'open');
  await tessera(['certs', 'init', certs]);
  const { chmodSync } = await import('node:fs');
  chmodSync(join(certs, 'worker', 'tls.key'), 0o644);
  const ended = await tessera(['worker', '127.0.0.1:1', '--certs', join(certs, 'worker')]);
  expect(ended.code).toBe(77);
  expect(ended.stderr).toMatch(/tls\.key can be read by others/);
});

it('init never overwrites an authority', async () => {
  const certs = join(folder, 'kept');
  mkdirSync(certs);
  writeFileSync(join(certs, 'ca.key'), 'precious');
  const ended = await tessera(['certs', 'init', certs]);
  expect(ended.code).toBe(73);
  expect(existsSync(join(certs, 'ca.crt'))).toBe(false);
});
