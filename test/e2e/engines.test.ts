/** @file `tessera engines` with real processes, over an index of this machine: added, killed, resumed, listed, tested, removed. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipOf } from '../support/archives.ts';
import { scratchFolder, TesseraProcess, tessera } from '../support/cluster.ts';
import { dropsAfter } from '../support/file-server.ts';
import { type IndexFile, servePackages, type TestIndex } from '../support/package-index.ts';
import { longIt } from '../support/proofs.ts';

const folder = scratchFolder();
const library = Buffer.from(
  Array.from({ length: 400_000 }, (_, i) => (i * i * 7 + (i >> 5)) % 251),
);
/** The wheel that the table names, with a plugin that cannot be loaded. */
const WHEEL: IndexFile = {
  project: 'lammps-jax-pjrt-cpu',
  file: 'lammps_jax_pjrt_cpu-0.11.2-py3-none-manylinux_2_27_x86_64.whl',
  content: zipOf({ name: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so', content: library }),
};
const HALF = Math.floor(WHEEL.content.length / 2);
const PLUGIN = join('xla-cpu', 'lammps_jax_pjrt_cpu', 'pjrt_c_api_cpu_plugin.so');
const isOtherMachine = process.platform !== 'linux' || process.arch !== 'x64';
if (isOtherMachine) process.stderr.write('skipped: the wheels of the table are for Linux on x64\n');

let index: TestIndex;
/** Holds back the rest of the wheel while it is true. */
let isStalling = false;
beforeAll(async () => {
  index = await servePackages([WHEEL], {
    instead: (path, request, response) => {
      if (!isStalling || !path.startsWith('/files/')) return false;
      dropsAfter(WHEEL.content, HALF)(request, response);
      return true;
    },
  });
});
afterAll(() => index.close());

/** An environment with a folder of engines of its own, asking the index of this test. */
function environment(): NodeJS.ProcessEnv & { readonly TESSERA_ENGINES: string } {
  const TESSERA_ENGINES = join(mkdtempSync(join(folder, 'case-')), 'engines');
  return {
    TESSERA_ENGINES,
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: index.url,
    PIP_NO_INDEX: '',
  };
}

describe.skipIf(isOtherMachine)('tessera engines', () => {
  it('adds after saying what it takes, lists, and removes', async () => {
    const env = environment();
    const added = await tessera(['engines', 'add', 'xla-cpu', '--yes'], { env });
    expect(added.code, added.stderr).toBe(0);
    expect(added.stderr).toMatch(/license: .*\n.*note: for tests[\s\S]*looking for 1 wheel in 127/);
    expect(added.stderr).toMatch(/to download: .*KiB\nunpacked: about .*free/);
    expect(added.stdout).toBe('xla-cpu 0.11.2 is installed\n');
    expect(readFileSync(join(env.TESSERA_ENGINES, PLUGIN)).equals(library)).toBe(true);
    const again = await tessera(['engines', 'add', 'xla-cpu', '--yes', '--json'], { env });
    expect(JSON.parse(again.stdout)).toMatchObject({
      schema: 'engines-add/1',
      wasThere: true,
      works: false,
    });
    const listed = await tessera(['engines', 'list', '--json'], { env });
    const engine = { name: 'xla-cpu', installed: true, version: '0.11.2', works: false };
    expect(JSON.parse(listed.stdout).engines).toContainEqual(expect.objectContaining(engine));
    const removed = await tessera(['engines', 'remove', 'xla-cpu'], { env });
    expect(removed.code).toBe(0);
    expect(existsSync(join(env.TESSERA_ENGINES, 'xla-cpu'))).toBe(false);
  });

  it('asks for a yes, and without a terminal takes none', async () => {
    const env = environment();
    const refused = await tessera(['engines', 'add', 'xla-cpu'], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/to download: .*[\s\S]*pass --yes/);
    expect(existsSync(env.TESSERA_ENGINES)).toBe(false);
  });

  it('killed in the middle leaves no engine, and resumes', async () => {
    const env = environment();
    isStalling = true;
    const killed = new TesseraProcess(['engines', 'add', 'xla-cpu', '--yes'], { env });
    const part = join(env.TESSERA_ENGINES, '.downloads', `${WHEEL.file}.part`);
    await expect
      .poll(() => existsSync(part) && readFileSync(part).length, { timeout: 60_000 })
      .toBe(HALF);
    killed.kill('SIGKILL');
    await killed.ended;
    isStalling = false;
    expect(readdirSync(env.TESSERA_ENGINES).filter((name) => name.includes('xla'))).toEqual([]);
    const before = index.requests.length;
    const resumed = await tessera(['engines', 'add', 'xla-cpu', '--yes'], { env });
    expect(resumed.code, resumed.stderr).toBe(0);
    const ranges = index.requests.slice(before).map(({ headers }) => headers.range);
    expect(ranges).toContain(`bytes=${HALF}-`);
    expect(readFileSync(join(env.TESSERA_ENGINES, PLUGIN)).equals(library)).toBe(true);
  });

  it.each([
    [['add', 'xla-cuda'], /did you mean xla-cuda1\d\?/],
    [['remove', 'xla-cpu'], /no engine xla-cpu is installed/],
    [['test', 'xla'], /these can be tested: .*onnxruntime-cpu/],
  ])('%s ends with 2 and says what there is', async (words, expected) => {
    const ended = await tessera(['engines', ...words], { env: environment() });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(expected);
  });

  it('on a disk without room is refused in words, and nothing half is there', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const mounted = ['unshare', '-m', 'sh', '-c'];
    const script = (bytes: number) =>
      `mount -t tmpfs -o size=${bytes} tmpfs '${disk}' && "$@"; code=$?; find '${disk}' >&2; exit $code`;
    try {
      execFileSync(mounted[0] as string, [...mounted.slice(1), script(4096), 'sh', 'true'], {
        stdio: 'pipe',
      });
    } catch {
      process.stderr.write('skipped: this user cannot mount a disk\n');
      return;
    }
    const env = { ...environment(), TESSERA_ENGINES: disk };
    // Room for the download alone, by what the index says; the wheel unpacks to more than twice of it.
    const bytes = Math.ceil((WHEEL.content.length * 2 + 65_536) / 4096) * 4096;
    const through = [...mounted, script(bytes), 'sh'];
    const ended = await new TesseraProcess(['engines', 'add', 'xla-cpu', '--yes'], { env, through })
      .ended;
    expect(ended.code, ended.stderr).toBe(73);
    expect(ended.stderr).toMatch(/too little room|the disk is full/);
    expect(ended.stderr).not.toMatch(/disk\/\.?xla-cpu/);
  });
});

longIt('tests an engine that is there: parity, bits, and an exit code', async () => {
  const ended = await tessera(['engines', 'test', 'onnxruntime-cpu', '--quick', '--json'], {
    env: { TESSERA_ENGINES: join(folder, 'none') },
  });
  expect(ended.code, ended.stderr).toBe(0);
  const report = JSON.parse(ended.stdout);
  expect(report).toMatchObject({ schema: 'engines-test/1', isRight: true, speed: null });
  expect(report.parity[0].gradientError).toBeLessThan(5e-6);
  expect(report.parity[0].gradientError).toBeGreaterThan(0);
  expect(report.bits[0]).toMatchObject({ precision: 'f32', processes: true });
});

it('says which of two plugins for one kind of device runs', async () => {
  const root = join(folder, 'two');
  for (const name of ['xla-first', 'xla-second']) {
    const record = { name, engine: 'xla-cpu', version: '1', library: 'plugin.so', wheels: [] };
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'engine.json'), JSON.stringify(record));
  }
  const env = { TESSERA_ENGINES: root };
  const list = await tessera(['engines', 'list'], { env });
  expect(list.stdout).toMatch(/xla-first .*xla-second runs in its place/);
  const ended = await tessera(['engines', 'test', 'xla-first', '--quick'], { env });
  expect(ended.code).toBe(69);
  expect(ended.stderr).toMatch(/xla-first is not tested: xla-second runs in its place/);
  expect(ended.stderr).toMatch(/engines remove xla-second/);
});
