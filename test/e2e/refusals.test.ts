/** @file Bad input meets clear words and the right exit code, on the real command line (promise P6). */
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { SMALL_RUN, scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { longIt, runsAllProofs } from '../support/proofs.ts';

const folder = scratchFolder();
const servers: Server[] = [];
afterAll(() => servers.map((server) => server.close()));

/** A port that somebody else listens on. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((done) => server.once('listening', done));
  return (server.address() as { port: number }).port;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function dial(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

/** Addresses on which a process listens, from the kernel's own table. */
function listeningAddresses(pid: number): string[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const lines = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/net/${file}`, 'utf8').split('\n'),
  );
  return lines.flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state !== '0A' || !sockets.has(inode)) return [];
    const bytes = Buffer.from(local.slice(0, local.indexOf(':')), 'hex');
    return bytes.length === 4 ? [[...bytes].reverse().join('.')] : [bytes.toString('hex')];
  });
}

describe('configs', () => {
  it('an unknown key is named with its line and the key that was meant', async () => {
    const path = join(folder, 'typo.yaml');
    writeFileSync(path, 'name: typo\nmodel:\n  imageSize: 28\n  pachSize: 7\n');
    const ended = await tessera(['config', 'check', path]);
    expect(ended.code).toBe(78);
    expect(ended.stderr).toMatch(/typo\.yaml:4/);
    expect(ended.stderr).toMatch(/patchSize/);
  });

  it.each([
    ['heads that do not divide the width', 'model.heads=5', /heads/],
    ['a patch that does not divide the image', 'model.patchSize=5', /patchSize/],
    ['a leaf larger than the batch', 'training.microBatch=100000', /microBatch/],
    ['an epoch smaller than one batch', 'training.batchSize=100000', /batchSize/],
  ])('%s', async (_what, setting, names) => {
    const ended = await tessera([
      'train',
      'quickstart',
      '--set',
      setting,
      '--run-folder',
      join(folder, 'never'),
    ]);
    expect(ended.code).toBe(78);
    expect(ended.stderr).toMatch(names);
    expect(ended.stderr).toMatch(/hint:/);
  });
});

describe('who may come in', () => {
  it.each(['train', 'coordinator'])(
    '%s opens no port to others without credentials, and says how to mend that',
    async (command) => {
      const port = await freePort();
      const never = join(folder, `exposed-${command}`);
      const ended = await tessera([
        ...[command, 'quickstart', '--listen', `0.0.0.0:${port}`, '--run-folder', never],
      ]);
      expect(ended.code).toBe(77);
      expect(ended.stderr).toMatch(/tessera (?:-- )?certs init/);
      expect(ended.stderr).toMatch(/--insecure/);
      expect(existsSync(never)).toBe(false);
      await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    },
  );

  it.skipIf(!existsSync('/proc/net/tcp'))(
    'a run listens on loopback alone by default',
    async () => {
      const run = new TesseraProcess([
        'coordinator',
        ...SMALL_RUN,
        '--run-folder',
        join(folder, 'own'),
      ]);
      await run.printed(/page +http:/);
      const addresses = listeningAddresses(run.child.pid as number);
      run.kill();
      await run.ended;
      // Its own, and that of its page.
      expect(addresses).toEqual(['127.0.0.1', '127.0.0.1']);
    },
  );

  it('a second coordinator of one run is refused', async () => {
    const runFolder = join(folder, 'locked');
    const first = new TesseraProcess(['coordinator', ...SMALL_RUN, '--run-folder', runFolder]);
    await first.printed(/127\.0\.0\.1:[1-9]\d*/);
    const second = await tessera(['coordinator', ...SMALL_RUN, '--resume', runFolder]);
    expect(second.code).toBe(73);
    expect(second.stderr).toMatch(new RegExp(`held by process ${first.child.pid} `));
    first.kill();
    await first.ended;
    const third = new TesseraProcess(['coordinator', ...SMALL_RUN, '--resume', runFolder]);
    await third.printed(/127\.0\.0\.1:[1-9]\d*/);
    third.kill();
    await third.ended;
  });
});

describe('the outside world', () => {
  it('a port in use is named', async () => {
    const port = await takenPort();
    const ended = await tessera([
      'coordinator',
      'quickstart',
      '--listen',
      `127.0.0.1:${port}`,
      '--run-folder',
      join(folder, 'port'),
    ]);
    expect(ended.code).toBe(73);
    expect(ended.stderr).toContain(String(port));
    expect(ended.stderr).toMatch(/hint:/);
  });

  it('a coordinator that is not there is said to be missing, by worker and status', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address() as { port: number };
    await new Promise((done) => server.close(done));
    const [worker, status] = await Promise.all([
      tessera(['worker', `127.0.0.1:${port}`, '--reconnect', '500ms']),
      tessera(['status', `127.0.0.1:${port}`]),
    ]);
    for (const ended of [worker, status]) {
      expect(ended.code, ended.stderr).toBe(69);
      expect(ended.stderr).toContain(`127.0.0.1:${port}`);
      expect(ended.stderr).toMatch(/hint:/);
    }
  });

  it('an empty class is named', async () => {
    const data = join(folder, 'empty-class');
    mkdirSync(join(data, 'train', 'cat'), { recursive: true });
    mkdirSync(join(data, 'train', 'dog'), { recursive: true });
    writeFileSync(join(data, 'train', 'cat', '1.png'), '');
    const ended = await tessera([
      'train',
      'quickstart',
      '--set',
      'data.source=image-folder',
      '--set',
      `data.path=${data}`,
      '--run-folder',
      join(folder, 'empty'),
    ]);
    expect(ended.code).toBe(65);
    expect(ended.stderr).toMatch(/dog/);
  });
});

describe('a truncated image', () => {
  /** Two classes of four small pictures each; the first cat is cut short. */
  async function pictures(): Promise<string> {
    const data = mkdtempSync(join(folder, 'pictures-'));
    for (const [split, name] of [
      ['train', 'cat'],
      ['train', 'dog'],
      ['test', 'cat'],
      ['test', 'dog'],
    ] as const) {
      mkdirSync(join(data, split, name), { recursive: true });
      for (let i = 0; i < 4; i += 1) {
        const image = sharp({
          create: { width: 16, height: 16, channels: 3, background: { r: 60 * i, g: 90, b: 200 } },
        });
        await image.png().toFile(join(data, split, name, `${i}.png`));
      }
    }
    truncateSync(join(data, 'train', 'cat', '0.png'), 60);
    return data;
  }
  const settings = [
    'data.source=image-folder',
    'data.channels=3',
    'data.augment.shift=0',
    'data.validation=none',
    'model.imageSize=14',
    'training.epochs=2',
    'training.batchSize=4',
    'training.microBatch=2',
    'training.schedule.warmupSteps=0',
  ].flatMap((setting) => ['--set', setting]);

  it.each([...(runsAllProofs ? ([['skip', 0]] as const) : []), ['fail', 65]] as const)(
    'is named; data.onBadImage=%s ends with %i',
    async (policy, code) => {
      const data = await pictures();
      const ended = await tessera([
        'train',
        'quickstart',
        ...settings,
        '--set',
        `data.path=${data}`,
        '--set',
        `data.onBadImage=${policy}`,
        '--workers',
        '1',
        '--json',
        '--run-folder',
        join(data, 'run'),
      ]);
      expect(ended.code, ended.stderr).toBe(code);
      expect(ended.stderr).toMatch(/cat\/0\.png/);
      if (code === 0) expect(JSON.parse(ended.stdout)).toMatchObject({ badSamples: 1, epochs: 2 });
    },
  );
});

describe('checkpoints', () => {
  longIt(
    'a truncated newest checkpoint is passed over for the one before; a foreign one is refused',
    async () => {
      const runFolder = join(folder, 'run');
      const args = ['train', ...SMALL_RUN, '--workers', '1', '--json'];
      const whole = await tessera([...args, '--run-folder', runFolder]);
      expect(whole.code, whole.stderr).toBe(0);
      const { parametersSha256 } = JSON.parse(whole.stdout);

      const damaged = join(folder, 'damaged');
      cpSync(runFolder, damaged, { recursive: true });
      const newest = readdirSync(join(damaged, 'checkpoints'))
        .filter((name) => name.startsWith('step-'))
        .sort()
        .at(-1) as string;
      truncateSync(join(damaged, 'checkpoints', newest, 'model.safetensors'), 1000);
      const resumed = await tessera([...args, '--resume', damaged]);
      expect(resumed.code, resumed.stderr).toBe(0);
      expect(resumed.stderr).toContain(newest);
      expect(resumed.stderr).toMatch(/resumes +from step \d+/);
      expect(JSON.parse(resumed.stdout).parametersSha256).toBe(parametersSha256);

      rmSync(join(damaged, 'checkpoints'), { recursive: true });
      const gone = await tessera([...args, '--resume', damaged]);
      expect(gone.code).toBe(65);
      expect(gone.stderr).toContain('this run has written some');

      const foreign = await tessera([...args, '--set', 'seed=7', '--resume', runFolder]);
      expect(foreign.code).toBe(78);
      expect(foreign.stderr).toMatch(/seed/);
    },
  );
});

describe('a worker that dies again and again', () => {
  longIt('ends the run with the root cause once the restarts are used up', async () => {
    const train = new TesseraProcess([
      'train',
      ...SMALL_RUN,
      '--workers',
      '1',
      '--set',
      'cluster.restarts=1',
      '--set',
      'compute.engine=tfjs-node',
      '--run-folder',
      join(folder, 'hopeless'),
    ]);
    const ended = await train.ended;
    expect(ended.code).toBe(69);
    expect(ended.stderr).toMatch(/tfjs-node/);
    // The thread without a program ended by itself.
    expect(ended.stderr).not.toMatch(/SIGKILL/);
  });
});
