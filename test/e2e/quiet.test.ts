/** @file Promise P7: no command opens a connection, asks a name server, or writes where nobody would look for it. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Ended,
  SMALL_RUN,
  scratchFolder,
  TesseraProcess,
  WatchedProcess,
} from '../support/cluster.ts';

/**
 * Runs `"$@"` in a network of its own, and says at the end how many packets left it. Beyond loopback there is one
 * device, which takes whatever is sent, to the name server too.
 */
const ALONE = `
set -e
ip link set lo up
ip link add out type veth peer name sink
for device in out sink; do echo 1 > /proc/sys/net/ipv6/conf/$device/disable_ipv6; done
ip addr add 10.99.0.1/24 dev out
ip link set out arp off up
ip link set sink up
ip route add default dev out
mount --bind "$1" /etc/resolv.conf
shift
set +e
"$@"
code=$?
awk '$1 == "out:" { print "packets sent:", $11 }' /proc/net/dev >&2
exit $code
`;

const folder = scratchFolder();
const home = join(folder, 'home');
const work = join(folder, 'work');
const nameServer = join(folder, 'resolv.conf');
writeFileSync(nameServer, 'nameserver 10.99.0.53\noptions timeout:1 attempts:1\n');
for (const path of [home, work]) mkdirSync(path);

/** Everything that a program could take for a hint where to write. */
const env: NodeJS.ProcessEnv = Object.fromEntries([
  ['HOME', home],
  ['TMPDIR', home],
  ...['CACHE', 'CONFIG', 'DATA', 'STATE'].map((kind) => [`XDG_${kind}_HOME`, join(home, kind)]),
  ['XDG_RUNTIME_DIR', home],
  ['PATH', `${process.env['PATH']}:/usr/sbin:/sbin`],
  // The product's own doing, not the shell's; a CI is another reason for ONNX Runtime to keep still.
  ['ORT_DISABLE_TELEMETRY', undefined],
  ['CI', undefined],
]);

/** The command that runs another one alone. */
const through = ['unshare', ...(process.getuid?.() === 0 ? [] : ['-r']), '-n', '-m', 'sh', '-c'];
const alone = [...through, ALONE, 'sh', nameServer];

function refusal(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  try {
    execFileSync(alone[0] as string, [...alone.slice(1), 'true'], { env, stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

const refused = refusal();
if (refused !== undefined) process.stderr.write(`skipped: no network namespaces: ${refused}\n`);

function packetsOf({ stderr }: Ended): number {
  return Number(/^packets sent: (\d+)$/m.exec(stderr)?.[1]);
}

/** As little work as a run can be. */
const SHORT = [
  ...['training.epochs=1', 'training.batchSize=512', 'training.microBatch=64'],
  ...['model.width=16', 'model.depth=1', 'training.schedule.warmupSteps=0'],
].flatMap((setting) => ['--set', setting]);

/** A command for each way to compute or to draw; each costs a second. */
const COMMANDS: readonly (readonly string[])[] = [
  ['eval', 'run', '--out', 'mistakes'],
  ['predict', 'images', '--checkpoint', 'run', '--out', 'predictions'],
  ['doctor'],
  ['engines', 'list'],
  ['weights', 'convert', 'run', 'model.onnx', '--to', 'onnx'],
];

it('a thread of a program that never loaded the switch does not get the engine', async () => {
  const engines = resolve(import.meta.dirname, '../../dist/shared/compute/engines');
  const engine = join(engines, 'onnxruntime/program.js');
  const [error] = await once(new Worker(engine, { env: {} }), 'error');
  expect(String(error)).toContain('would report to its makers');
  const [code] = await once(new Worker(engine, { env: { ORT_DISABLE_TELEMETRY: '1' } }), 'exit');
  expect(code).toBe(0);
});

describe.skipIf(refused !== undefined)('alone on a machine, with an empty HOME', () => {
  beforeAll(async () => {
    mkdirSync(join(work, 'images'));
    const dot = { create: { width: 28, height: 28, channels: 3, background: '#888' } } as const;
    await sharp(dot)
      .png()
      .toFile(join(work, 'images', 'dot.png'));
  });

  it('this test hears a question to a name server, and a connection', async () => {
    for (const attempt of [
      `require('dns').lookup('example.com', () => {})`,
      `require('net').connect(80, '192.0.2.1').setTimeout(50, process.exit)`,
    ]) {
      const command = [...alone, process.execPath, '-e', attempt];
      expect(packetsOf(await new WatchedProcess(command, { env }).ended)).toBeGreaterThan(0);
    }
  });

  it('no command sends a packet or leaves a file anywhere else', async () => {
    const options = { cwd: work, env, through: alone };
    const args = ['train', ...SMALL_RUN, ...SHORT, '--workers', '1', '--run-folder', 'run'];
    const train = await new TesseraProcess(args, options).ended;
    expect(train, train.stderr).toMatchObject({ code: 0 });
    const ends = COMMANDS.map(async (args) => {
      const ended = await new TesseraProcess(args, options).ended;
      expect(ended.code, `${args.join(' ')}: ${ended.stderr}`).toBe(0);
      return [args.join(' '), packetsOf(ended)];
    });
    const sent = [['train', packetsOf(train)], ...(await Promise.all(ends))];
    expect(sent).toEqual(sent.map(([command]) => [command, 0]));
    expect(readdirSync(home, { recursive: true })).toEqual([]);
    const written = ['images', 'mistakes', 'model.onnx', 'predictions', 'run'];
    expect(readdirSync(work).toSorted()).toEqual(written);
  });
});
