/** @file What is no regular file is refused at every door, at once and in words: nobody waits for a pipe. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../../../shared/config/load.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { readWholeFile } from '../../../../shared/files/files.ts';
import { digestsOfFile } from '../../../../shared/files/known-file.ts';
import { takeLock } from '../../../../shared/runs/lock/lock.ts';
import { readRuns } from '../../../../shared/runs/reader/read.ts';
import {
  CREDENTIAL_FILES,
  CredentialFolder,
  readAuthority,
} from '../../../../shared/security/credentials.ts';
import { readToken } from '../../../../shared/security/tokens.ts';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { unpack } from '../../../../tools/downloads/unpack.ts';
import { findImages } from '../../../../tools/inference/image-files.ts';
import { readModel } from '../../../../tools/inference/read/read-model.ts';

const TOKEN = 'a-token-of-24-characters';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'tessera-doors-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function pipeAt(...parts: string[]): Promise<string> {
  const path = join(await folder(), ...parts);
  await mkdir(join(path, '..'), { recursive: true });
  execFileSync('mkfifo', [path]);
  return path;
}

/** The refusal of something that must be refused. */
async function refusal(work: Promise<unknown>): Promise<TesseraError> {
  return await work.then(
    () => expect.unreachable('it was taken'),
    (error: unknown) => TesseraError.from(error),
  );
}

describe('a pipe in the place of a file', () => {
  const doors: [string, string, (path: string) => Promise<unknown>][] = [
    ['an image to predict', 'a.jpg', async (path) => (await findImages([path])).inputs[0]?.read()],
    ['weights', 'model.safetensors', (path) => readWeights(path)],
    ['a Hugging Face folder', 'model.safetensors', (path) => readWeights(join(path, '..'))],
    ['a model', 'model.pth', (path) => readModel(path)],
    ['a config', 'run.yaml', (path) => loadConfig(path, { set: [] })],
    ['an authority', 'ca.crt', (path) => readAuthority(path)],
    [
      'certificates',
      CREDENTIAL_FILES.authority,
      (path) => CredentialFolder.open(join(path, '..'), { use: 'calling', onFault: () => {} }),
    ],
    [
      'an archive',
      'a.tar.gz',
      async (path) => unpack({ archive: path, kind: 'tar.gz', folder: await folder() }),
    ],
    ['a download that is there', 'a.bin', (path) => digestsOfFile(path)],
    ['a lock', 'coordinator.lock', (path) => takeLock(path)],
  ];
  it.each(doors)('is refused as %s', async (_, name, enter) => {
    const { code, sentence } = await refusal(enter(await pipeAt(name)));
    expect(code).not.toBe('INTERNAL');
    expect(sentence).toMatch(/it is a pipe, not a file|is not a file/);
  });

  it('marks a run, and hides none', async () => {
    const path = await pipeAt('odd', 'config.json');
    await writeFile(join(path, '..', 'metrics.jsonl'), '');
    const [run] = await readRuns(join(path, '..', '..'));
    expect(run?.faults).toEqual(['config.json: it is a pipe, not a file']);
  });
});

describe('readWholeFile', () => {
  it('refuses a folder, a device, a socket, and more than is allowed, through links too', async () => {
    const own = await folder();
    const socket = join(own, 'socket');
    const server = createServer().listen(socket);
    onTestFinished(() => void server.close());
    await symlink('/dev/zero', join(own, 'zeros'));
    await writeFile(join(own, 'large'), 'x'.repeat(9));
    for (const [path, words] of [
      [own, 'it is a folder, not a file'],
      ['/dev/zero', 'it is a device, not a file'],
      [join(own, 'zeros'), 'it is a device, not a file'],
      [socket, 'it is a socket or a device, not a file'],
      [join(own, 'large'), 'it has 9 B, more than 8 B'],
    ] as const) {
      const { code, sentence } = await refusal(readWholeFile(path, { bytesMax: 8 }));
      expect([code, sentence]).toEqual(['DATA_INVALID', `cannot read ${path}: ${words}`]);
    }
  });

  it('refuses a file that says it has terabytes, without asking for their memory', async () => {
    const path = join(await folder(), 'sparse');
    await writeFile(path, '');
    await truncate(path, 2 ** 42);
    const { sentence } = await refusal(readWholeFile(path));
    expect(sentence).toContain('it has 4.0 TiB, more than 4.0 GiB');
  });
});

describe('a token', () => {
  it('comes from a file or a pipe, whose writer may come later and keep it open', async () => {
    const path = join(await folder(), 'token');
    await writeFile(path, `${TOKEN}\nmore\n`, { mode: 0o600 });
    expect(await readToken(path)).toBe(TOKEN);

    const pipe = await pipeAt('token');
    const reading = readToken(pipe);
    const writer = await open(pipe, 'w');
    onTestFinished(() => writer.close());
    await writer.write(`${TOKEN}\n`);
    expect(await reading).toBe(TOKEN);
  });

  it('is not waited for without end, nor read without end', async () => {
    const pipe = await pipeAt('token');
    expect(await refusal(readToken(pipe, 20))).toMatchObject({ code: 'TIMEOUT' });

    const refused = refusal(readToken(pipe));
    const writer = await open(pipe, 'w');
    onTestFinished(() => writer.close());
    await writer.write('x'.repeat(5000));
    expect(await refused).toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await refusal(readToken('/dev/zero'))).sentence).toContain('it is a device');
  });
});
