/** @file An engine is added from an index that drops, truncates and lies: whole, or not at all. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KnownEngine } from '../../../../shared/catalog/engines.ts';
import { installedEngines } from '../../../../shared/compute/engines/installed.ts';
import { type Clock, systemClock } from '../../../../shared/core/clock.ts';
import { addEngine, installedAlready } from '../../../../tools/engines/add.ts';
import { withEnginesLock } from '../../../../tools/engines/engines-lock.ts';
import { planEngine } from '../../../../tools/engines/plan.ts';
import { removeEngine } from '../../../../tools/engines/remove.ts';
import {
  folderSource,
  indexSource,
  type WheelSource,
} from '../../../../tools/engines/wheels/source.ts';
import { senderFor } from '../../../../tools/engines/wheels/web.ts';
import { zipOf } from '../../../support/archives.ts';
import { dropConnections, dropsAfter, status } from '../../../support/file-server.ts';
import {
  type IndexFile,
  type IndexManner,
  servePackages,
  sha256Of,
  type TestIndex,
} from '../../../support/package-index.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-engines-'));
afterAll(() => rmSync(root, { recursive: true }));

const HERE = { machine: 'x64', glibc: [2, 36] } as const;
const KNOWN: KnownEngine = {
  name: 'xla-cpu',
  description: 'for this test',
  license: 'none',
  engine: 'xla-cpu',
  machines: ['x64'],
  wheels: [
    { project: 'plugin-x', version: '1.0' },
    { project: 'nvidia-x', version: '2.0' },
  ],
  library: 'plugin/plugin.so',
  notices: [],
};
const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 7)) % 251));
const PLUGIN: IndexFile = {
  project: 'plugin-x',
  file: 'plugin_x-1.0-py3-none-manylinux_2_27_x86_64.whl',
  content: zipOf({ name: 'plugin/plugin.so', content: noise }, { name: 'plugin/__init__.py' }),
};
const NVIDIA: IndexFile = {
  project: 'nvidia-x',
  file: 'nvidia_x-2.0-py3-none-manylinux_2_27_x86_64.whl',
  content: zipOf({ name: 'nvidia/lib/libx.so', content: noise.subarray(9) }),
};

/** Pauses between attempts take no time. */
const hurriedClock: Clock = {
  ...systemClock,
  sleep: (delayMs, signal) =>
    delayMs >= 20_000 ? systemClock.sleep(delayMs, signal) : Promise.resolve(),
};

let folder = '';
let index: TestIndex | undefined;
let lines: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  lines = [];
});
afterEach(async () => {
  await index?.close();
  index = undefined;
});

interface Trying {
  readonly files?: readonly IndexFile[];
  readonly manner?: IndexManner;
  readonly signal?: AbortSignal;
  readonly source?: WheelSource;
  readonly onBytes?: (bytes: number) => void;
  readonly known?: KnownEngine;
}

/** Adds the engine as the command does. */
async function add(trying: Trying = {}) {
  const { files = [PLUGIN, NVIDIA], manner, known = KNOWN } = trying;
  const { signal = new AbortController().signal } = trying;
  await index?.close();
  index = await servePackages(files, manner);
  const settings = {
    indexes: [index.url],
    credentials: new Map(),
    certificates: undefined,
    proxy: undefined,
  };
  const send = await senderFor(settings, {});
  const asking = { send, signal, clock: hurriedClock };
  const source = trying.source ?? indexSource([index.url], asking);
  const plan = await planEngine(known, { root: folder, source, here: HERE });
  const locking = { work: 'engines add', signal, say: () => {} };
  return await withEnginesLock(folder, locking, () =>
    addEngine(plan, {
      root: folder,
      env: {},
      signal,
      send,
      clock: hurriedClock,
      limits: { attempts: 3, silenceMs: 20_000 },
      progress: {
        say: (line) => lines.push(line),
        download: (_file, bytes) => {
          if (bytes > 0) dropConnections();
          trying.onBytes?.(bytes);
        },
        unpack: () => {},
      },
    }),
  );
}

async function refused(trying: Trying): Promise<Error> {
  const error = await add(trying).then(
    () => undefined,
    (thrown: unknown) => thrown as Error,
  );
  expect(error).toBeDefined();
  expect(await installedEngines(folder)).toEqual([]);
  expect(readdirSync(folder).filter((name) => name.includes('xla-cpu'))).toEqual([]);
  return error as Error;
}

describe('an engine', () => {
  it.each([false, true])('comes whole from an index (HTML: %s), with a record', async (html) => {
    const record = await add({ manner: { html } });
    expect(record).toMatchObject({ name: 'xla-cpu', engine: 'xla-cpu', version: '1.0' });
    const [engine] = await installedEngines(folder);
    expect(readFileSync(engine?.path ?? '').equals(noise)).toBe(true);
    expect(engine?.wheels.map(({ sha256 }) => sha256)).toEqual(
      [PLUGIN, NVIDIA].map(({ content }) => sha256Of(content)),
    );
    expect(readdirSync(join(folder, 'xla-cpu')).sort()).toEqual([
      'engine.json',
      'nvidia',
      'plugin',
    ]);
    // The downloads and the lock are gone.
    expect(readdirSync(join(folder, '.downloads'))).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['.downloads', 'xla-cpu']);
  });

  it('comes from a folder of wheels without a network', async () => {
    const wheels = join(folder, 'wheels');
    mkdirSync(wheels);
    for (const { file, content } of [PLUGIN, NVIDIA]) writeFileSync(join(wheels, file), content);
    await add({ source: folderSource(wheels) });
    expect(index?.requests).toEqual([]);
    expect(await installedEngines(folder)).toHaveLength(1);
    expect(readdirSync(wheels)).toHaveLength(2);
  });

  it('is not fetched again where it is there of the same wheels', async () => {
    await add();
    const { url = '' } = index ?? {};
    const send = async (to: URL) => await fetch(to);
    const source = indexSource([url], { send, signal: new AbortController().signal });
    const plan = await planEngine(KNOWN, { root: folder, source, here: HERE });
    expect(await installedAlready(plan, folder)).toMatchObject({ version: '1.0' });
    const [first, ...others] = plan.wheels;
    const other = { ...plan, wheels: [{ ...first!, sha256: '0'.repeat(64) }, ...others] };
    expect(await installedAlready(other, folder)).toBeUndefined();
  });

  it('resumes where the connection drops', async () => {
    let times = 0;
    const instead: IndexManner['instead'] = (path, request, response) => {
      if (path !== `/files/${PLUGIN.file}` || times > 0) return false;
      times += 1;
      dropsAfter(PLUGIN.content, 1000)(request, response);
      return true;
    };
    await add({ manner: { instead } });
    const asked = index?.requests.filter(({ path }) => path.endsWith(PLUGIN.file));
    expect(asked?.map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect(lines.join('\n')).toMatch(/trying again/);
  });

  it('resumes what a command that was ended has received', async () => {
    const stop = new AbortController();
    const instead: IndexManner['instead'] = (path, request, response) => {
      if (path !== `/files/${NVIDIA.file}`) return false;
      dropsAfter(NVIDIA.content, 500)(request, response);
      return true;
    };
    const onBytes = (bytes: number) => bytes === 500 && stop.abort(new Error('killed'));
    const error = await refused({ manner: { instead }, signal: stop.signal, onBytes });
    expect(error.message).toBe('killed');
    expect(readdirSync(join(folder, '.downloads')).sort()).toEqual([
      `${NVIDIA.file}.part`,
      `${NVIDIA.file}.part.json`,
      PLUGIN.file,
    ]);
    // The other address of the next index means another file to the downloader; the whole wheel is not asked for again.
    await add();
    expect(index?.requests.map(({ path }) => path)).not.toContain(`/files/${PLUGIN.file}`);
    expect(await installedEngines(folder)).toHaveLength(1);
  });

  it('clears away what a killed command has half unpacked', async () => {
    // Of a process that is gone: the highest id that Linux gives is below this one.
    const half = join(folder, '.pjrt.new-4194305-0123456789ab');
    mkdirSync(half);
    writeFileSync(join(half, 'plugin.so'), 'half');
    await add();
    expect(existsSync(half)).toBe(false);
    expect(await installedEngines(folder)).toHaveLength(1);
  });

  it.each<[string, Trying, RegExp]>([
    [
      'lies about a checksum',
      { files: [PLUGIN, { ...NVIDIA, sha256: 'f'.repeat(64) }] },
      /not the expected file/,
    ],
    [
      'lies about a size',
      { files: [{ ...PLUGIN, bytes: 17 }, NVIDIA] },
      /more than the expected 17 bytes/,
    ],
    ['has half of it', { files: [PLUGIN] }, /has no wheel of nvidia-x/],
    [
      'has another version',
      { files: [PLUGIN, { ...NVIDIA, file: 'nvidia_x-3.0-py3-none-any.whl' }] },
      /not version 2.0/,
    ],
    [
      'has wheels of another machine',
      { files: [PLUGIN, { ...NVIDIA, file: 'nvidia_x-2.0-py3-none-manylinux_2_99_x86_64.whl' }] },
      /no wheel of nvidia-x 2.0 for this machine \(x64, glibc 2.36\)/,
    ],
    [
      'has what is not a wheel',
      { files: [PLUGIN, { ...NVIDIA, content: noise }] },
      /cannot be unpacked/,
    ],
    [
      'has another plugin',
      { files: [{ ...PLUGIN, content: zipOf({ name: 'other.so', content: noise }) }, NVIDIA] },
      /do not hold plugin\/plugin.so/,
    ],
    [
      'has a file that leads out',
      { files: [PLUGIN, { ...NVIDIA, content: zipOf({ name: '../../evil', content: noise }) }] },
      /leads out of the folder/,
    ],
  ])('of an index that %s is refused, and nothing of it is there', async (_what, trying, words) => {
    const error = await refused(trying);
    expect(error).toMatchObject({ code: 'DATA_INVALID', message: expect.stringMatching(words) });
    expect((error as { hint?: string }).hint).not.toMatch(/--(url|out)/);
    expect(existsSync(join(folder, '..', 'evil'))).toBe(false);
  });

  it.each<[string, number, RegExp, string]>([
    ['is gone', 404, /returned 404/, 'DATA_INVALID'],
    ['refuses', 403, /returned 403/, 'DATA_INVALID'],
    ['is broken', 503, /returned 503/, 'TIMEOUT'],
  ])('whose file %s is refused', async (_what, code, words, expected) => {
    const instead: IndexManner['instead'] = (path, ...rest) => {
      if (!path.startsWith('/files/')) return false;
      status(code)(...rest);
      return true;
    };
    const error = await refused({ manner: { instead } });
    expect(error).toMatchObject({ code: expected, message: expect.stringMatching(words) });
  });

  it.each<[string, number, Record<string, string>, RegExp, string]>([
    [
      'redirects in a circle',
      302,
      { location: '/simple/plugin-x/' },
      /redirects more than 10/,
      'DATA_INVALID',
    ],
    [
      'redirects to a file',
      302,
      { location: 'file:///etc/passwd' },
      /not followed/,
      'DATA_INVALID',
    ],
    ['asks for a password', 401, {}, /returned 401/, 'DATA_INVALID'],
    ['is broken', 500, {}, /returned 500 .*4 attempts/, 'TIMEOUT'],
  ])('whose page %s is refused', async (_what, code, headers, words, expected) => {
    const instead: IndexManner['instead'] = (path, ...rest) => {
      if (!path.startsWith('/simple/')) return false;
      status(code, headers)(...rest);
      return true;
    };
    const error = await refused({ manner: { instead } });
    expect(error).toMatchObject({ code: expected, message: expect.stringMatching(words) });
  });

  it('whose new wheels are refused stays what it was', async () => {
    await add();
    const before = readFileSync(join(folder, 'xla-cpu', 'engine.json'), 'utf8');
    const files = [PLUGIN, { ...NVIDIA, content: zipOf({ name: 'a', content: noise, crc32: 1 }) }];
    await expect(add({ files })).rejects.toThrow(/checksum of a is wrong/);
    expect(readFileSync(join(folder, 'xla-cpu', 'engine.json'), 'utf8')).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(['.downloads', 'xla-cpu']);
  });

  it('without room for it is refused before anything is fetched', async () => {
    const huge = { ...PLUGIN, bytes: 2 ** 52 };
    const error = await refused({ files: [huge, NVIDIA] });
    expect(error).toMatchObject({
      code: 'CANNOT_WRITE',
      message: expect.stringMatching(/too little room: .* are needed, .* are free/),
      hint: expect.stringMatching(/TESSERA_ENGINES/),
    });
    expect(index?.requests.filter(({ path }) => path.startsWith('/files/'))).toEqual([]);
  });

  it('is added by one process at a time; the second is refused, and says who', async () => {
    const signal = new AbortController().signal;
    const locking = { work: 'engines add', signal, say: () => {} };
    await withEnginesLock(folder, locking, async () => {
      await expect(add()).rejects.toMatchObject({
        code: 'RUN_IN_USE',
        message: expect.stringMatching(/process \d+ \(engines add\)/),
        hint: expect.stringMatching(/wait until/),
      });
    });
    await add();
    expect(await installedEngines(folder)).toHaveLength(1);
  });

  it('is not for every machine', async () => {
    const known = { ...KNOWN, machines: ['arm64'] };
    await expect(add({ known })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  it('is removed at one stroke, once', async () => {
    await add();
    expect(await removeEngine(folder, 'xla-cpu')).toBe(join(folder, 'xla-cpu'));
    expect(readdirSync(folder)).toEqual(['.downloads']);
    await expect(removeEngine(folder, 'xla-cpu')).rejects.toMatchObject({ code: 'USAGE' });
    await expect(removeEngine(folder, '..')).rejects.toMatchObject({ code: 'USAGE' });
  });
});
