/** @file `tessera data get` and `tessera weights get`, from a local server to a folder that training reads. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runDataGet, runWeightsGet } from '../../../cli/get/get.ts';
import { amountOf } from '../../../cli/get/get-progress.ts';
import { DATA } from '../../../shared/catalog/data.ts';
import { WEIGHTS } from '../../../shared/catalog/weights.ts';
import { decodeImage } from '../../../shared/data/pipeline/decode.ts';
import { encodePng } from '../../../shared/data/pixels/libvips.ts';
import { openImageFolder } from '../../../shared/data/sets/image-folder.ts';
import { buildDataFolder } from '../../../tools/downloads/data-folder.ts';
import { fetchKnown } from '../../../tools/downloads/fetch-known.ts';
import { tarGzOf, zipOf } from '../../support/archives.ts';
import { good, serve, type TestServer } from '../../support/file-server.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-get-'));
afterAll(() => rmSync(root, { recursive: true }));

let out = '';
let server: TestServer | undefined;
beforeEach(() => {
  out = mkdtempSync(join(root, 'case-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
});

/** Runs a command and answers what it printed on stdout. */
async function stdoutOf(command: () => Promise<void>): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  await command();
  return written.join('');
}

const red = await encodePng(new Uint8Array([200, 10, 20]), { height: 1, width: 1, channels: 3 });
const photo = (name: string) => ({ name, content: Buffer.from(red) });

describe('the tables', () => {
  it('have names, addresses and checksums that can be', () => {
    const files = [...WEIGHTS, ...DATA.flatMap((data) => data.files)];
    for (const { file, url, digest } of files) {
      expect(new URL(url).pathname.endsWith(file) || digest === undefined).toBe(true);
      const length = digest?.algorithm === 'md5' ? 32 : 8;
      if (digest !== undefined) expect(digest.hex).toMatch(new RegExp(`^[0-9a-f]{${length}}$`));
      // Without encryption only what is checked against a published checksum.
      if (url.startsWith('http:')) expect(digest).toBeDefined();
    }
    const names = [...WEIGHTS, ...DATA].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are all in docs/downloads.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/downloads.md'), 'utf8');
    for (const { name } of [...WEIGHTS, ...DATA]) expect(page).toContain(`\`${name}\``);
    for (const { url } of WEIGHTS) expect(page).toContain(url);
    for (const { url } of DATA.flatMap((data) => data.files)) expect(page).toContain(url);
  });
});

describe('data get', () => {
  it('brings a zip of photos, checks that it can be read, and clears the archive away', async () => {
    server = await serve(
      good(
        zipOf(photo('train/pizza/1.png'), photo('train/sushi/2.png'), photo('test/pizza/3.png')),
      ),
    );
    const { url } = server;
    const get = () => runDataGet({ name: 'pizza_steak_sushi', out, url, json: true });
    expect(JSON.parse(await stdoutOf(get))).toMatchObject({
      schema: 'data-get/1',
      source: 'image-folder',
      wasThere: false,
      train: 2,
      test: 1,
      classes: 2,
    });
    expect(readdirSync(join(out, 'downloads/pizza_steak_sushi'))).toEqual(['downloads.json']);
    expect(JSON.parse(await stdoutOf(get))).toMatchObject({ wasThere: true, train: 2 });
    expect(server.ranges).toHaveLength(1);
  });

  it('leaves no folder when the archive is no data set', async () => {
    server = await serve(good(zipOf({ name: 'readme.txt', content: Buffer.from('moved') })));
    const { url } = server;
    const get = stdoutOf(() => runDataGet({ name: 'pizza_steak_sushi', out, url, json: true }));
    await expect(get).rejects.toMatchObject({ code: 'DATA_INVALID' });
    expect(readdirSync(out)).toEqual(['downloads']);
  });

  it('puts it into the cache, where every folder finds it, and names a preset alone that finds it', async () => {
    const cache = process.env['XDG_CACHE_HOME'];
    process.env['XDG_CACHE_HOME'] = out;
    server = await serve(
      good(
        zipOf(photo('train/pizza/1.png'), photo('train/sushi/2.png'), photo('test/pizza/3.png')),
      ),
    );
    const { url } = server;
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const name = 'pizza_steak_sushi';
      const printed = await stdoutOf(() => runDataGet({ name, cache: true, url }));
      expect(printed).toBe(`${join(out, 'tessera/data', name)}\n`);
      const words = said.mock.calls.map(([text]) => String(text)).join('');
      expect(words).toMatch(/train foodvision-mini-frozen\n/);
      await expect(runDataGet({ name, cache: true, out })).rejects.toThrow('two places');
    } finally {
      if (cache === undefined) delete process.env['XDG_CACHE_HOME'];
      else process.env['XDG_CACHE_HOME'] = cache;
    }
  });

  it('names what there is when the name is unknown', async () => {
    const get = runDataGet({ name: 'cifar-10', out });
    await expect(get).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('did you mean cifar10?'),
    });
  });

  it('lists all names, as a table and as JSON', async () => {
    const table = await stdoutOf(() => runDataGet({ name: undefined, out, list: true }));
    for (const { name } of DATA) expect(table).toContain(name);
    const json = JSON.parse(
      await stdoutOf(() => runWeightsGet({ name: undefined, out, list: true, json: true })),
    );
    expect(json.entries).toHaveLength(WEIGHTS.length);
  });
});

describe('weights get', () => {
  it('refuses a mirror whose file is another, by the published digits', async () => {
    server = await serve(good(Buffer.from('not the weights')));
    const get = stdoutOf(() => runWeightsGet({ name: 'vit_b_16', out, url: server!.url }));
    await expect(get).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining('not c867db91'),
    });
    expect(readdirSync(out)).toEqual([]);
  });

  it('notes the checksum that nobody published, and holds every later download to it', async () => {
    const file = { file: 'a.safetensors', url: '' };
    const bring = (url: string) =>
      fetchKnown({ file: { ...file, url }, folder: out, nowIso: '2026-01-01T00:00:00.000Z' });
    server = await serve(
      good(Buffer.from('one')),
      good(Buffer.from('one')),
      good(Buffer.from('two')),
    );
    expect(await bring(server.url)).toMatchObject({ checkedBy: 'first download', wasThere: false });
    expect(await bring(server.url)).toMatchObject({
      checkedBy: 'earlier download',
      wasThere: true,
    });
    rmSync(join(out, 'a.safetensors'));
    expect(await bring(server.url)).toMatchObject({ checkedBy: 'earlier download' });
    writeFileSync(join(out, 'a.safetensors'), 'six');
    await expect(bring(server.url)).rejects.toThrow(/a\.safetensors is not http/);
    rmSync(join(out, 'a.safetensors'));
    await expect(bring(server.url)).rejects.toThrow(/its sha256 begins with/);
    expect(existsSync(join(out, 'a.safetensors'))).toBe(false);
  });
});

describe('the arrangement', () => {
  async function arranged(arrangement: 'cifar10' | 'food101' | 'idx', files: [string, Buffer][]) {
    const archives = files.map(([name, bytes]) => {
      writeFileSync(join(out, name), bytes);
      return join(out, name);
    });
    const folder = join(out, 'set');
    await buildDataFolder({ arrangement }, { archives, folder });
    return folder;
  }

  /** A record of CIFAR-10: one colour all over. */
  function record(label: number, [r, g, b]: readonly [number, number, number]): Buffer {
    const planes = [r, g, b].map((value) => Buffer.alloc(1024, value));
    return Buffer.concat([Buffer.from([label]), ...planes]);
  }

  const cifar = (batch: Buffer, test: Buffer) =>
    tarGzOf(
      { name: 'cifar-10-batches-bin/batches.meta.txt', content: 'airplane\nautomobile\n\n' },
      { name: 'cifar-10-batches-bin/data_batch_1.bin', content: batch },
      { name: 'cifar-10-batches-bin/test_batch.bin', content: test },
    );

  it('of CIFAR-10 is one PNG for each image, with its very pixels', async () => {
    const train = Buffer.concat([
      record(1, [255, 0, 7]),
      record(0, [1, 2, 3]),
      record(1, [9, 9, 9]),
    ]);
    const test = Buffer.concat([record(0, [5, 5, 5]), record(1, [6, 6, 6])]);
    const folder = await arranged('cifar10', [['cifar.tar.gz', await cifar(train, test)]]);
    const set = await openImageFolder(folder);
    expect(set.classes).toEqual(['airplane', 'automobile']);
    expect(Array.from(set.train.labels)).toEqual([0, 1, 1]);
    expect(readdirSync(join(folder, 'train/automobile'))).toEqual(['00000.png', '00002.png']);
    const pixels = await decodeImage({ ...(await set.train.image(1)), index: 1, label: 1 }, {
      imageSize: 32,
      channels: 3,
      resize: 'stretch',
      cropFraction: 1,
      interpolation: 'bicubic',
    } as Parameters<typeof decodeImage>[1]);
    expect([...pixels.subarray(0, 6)]).toEqual([255, 0, 7, 255, 0, 7]);
    expect(readdirSync(folder).sort()).toEqual(['test', 'train']);
  });

  it.each([
    ['cut short', record(1, [1, 1, 1]).subarray(0, 3000)],
    ['of a label without a class', record(2, [1, 1, 1])],
  ])('of CIFAR-10 refuses a record %s', async (_what, bad) => {
    const archive = await cifar(bad, record(0, [1, 1, 1]));
    const arranging = arranged('cifar10', [['cifar.tar.gz', archive]]);
    await expect(arranging).rejects.toThrow(/damaged record at byte 0/);
    expect(existsSync(join(out, 'set'))).toBe(false);
  });

  it('of Food-101 follows its own lists, and trusts no line of them', async () => {
    const archive = (line: string) =>
      tarGzOf(
        { name: 'food-101/meta/train.txt', content: 'pie/1\npie/2\ntart/4\n' },
        { name: 'food-101/meta/test.txt', content: line },
        ...['pie/1', 'pie/2', 'pie/3', 'tart/4'].map((name) => ({
          name: `food-101/images/${name}.jpg`,
          content: Buffer.from(red),
        })),
      );
    const folder = await arranged('food101', [['food.tar.gz', await archive('pie/3\n')]]);
    expect(readdirSync(join(folder, 'train/pie'))).toEqual(['1.jpg', '2.jpg']);
    expect(readdirSync(join(folder, 'test/pie'))).toEqual(['3.jpg']);
    rmSync(folder, { recursive: true });
    const archives = [join(out, 'food.tar.gz')];
    await buildDataFolder({ arrangement: 'food101', classes: ['pie'] }, { archives, folder });
    expect(readdirSync(join(folder, 'train'))).toEqual(['pie']);
    rmSync(folder, { recursive: true });
    const hostile = arranged('food101', [['food.tar.gz', await archive('../3\n')]]);
    await expect(hostile).rejects.toThrow(/unsafe name/);
    const missing = arranged('food101', [['food.tar.gz', await archive('pie/4\n')]]);
    await expect(missing).rejects.toThrow(/4\.jpg is named by/);
  });

  it('of idx files unpacks each', async () => {
    const images = Buffer.concat([
      Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2]),
      Buffer.from([4, 5]),
    ]);
    const labels = Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 7]);
    const folder = await arranged('idx', [
      ['train-images-idx3-ubyte.gz', gzipSync(images)],
      ['train-labels-idx1-ubyte.gz', gzipSync(labels)],
    ]);
    expect(readdirSync(folder).sort()).toEqual([
      'train-images-idx3-ubyte',
      'train-labels-idx1-ubyte',
    ]);
  });
});

it.each([
  [{ bytes: 512, total: undefined }, '512 B'],
  [{ bytes: 512, total: 1024 }, '[##############..............]  512 B of 1.0 KiB (50%)'],
])('an amount of %j is shown as %s', (progress, expected) => {
  expect(amountOf(progress)).toBe(expected);
});
