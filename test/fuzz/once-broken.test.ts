/** @file Inputs that once broke something, each by name. */

import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { statusLines } from '../../cli/status/status-view.ts';
import { applySettings, loadConfig } from '../../shared/config/load.ts';
import { decodeFinish } from '../../shared/contract/control-codec.ts';
import { decodeFeatures } from '../../shared/contract/feature-rows.ts';
import type { RunStatus } from '../../shared/contract/status.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { type DecodeOptions, decodeImage } from '../../shared/data/pipeline/decode.ts';
import {
  type CheckpointState,
  readState,
  refuseOtherRun,
} from '../../shared/runs/checkpoint/state.ts';
import { takeLock } from '../../shared/runs/lock/lock.ts';
import { encodeModelMetadata } from '../../shared/runs/model-metadata.ts';
import { readMetrics } from '../../shared/runs/reader/metrics.ts';
import { describeCertificate } from '../../shared/security/certificates.ts';
import { readAuthority } from '../../shared/security/credentials.ts';
import { readPickle } from '../../shared/weights/formats/pickle.ts';
import { readPth } from '../../shared/weights/formats/pth.ts';
import {
  encodeSafetensors,
  type NamedTensor,
  readSafetensors,
} from '../../shared/weights/formats/safetensors.ts';
import { readZip } from '../../shared/weights/formats/zip.ts';
import { renameWeights } from '../../shared/weights/names/rename.ts';
import { readModel } from '../../tools/inference/read/read-model.ts';
import { programOf } from '../../worker/prepare.ts';
import { zipOf } from '../support/archives.ts';
import { smallConfig, writeConfig } from '../support/config.ts';
import { fileSample } from '../support/data.ts';
import { JOIN, NotingPort } from '../support/loopback.ts';
import { NAMELESS } from './credentials.ts';
import { MODEL, TENSORS } from './models.ts';
import { scratchFolder } from './sandbox.ts';

const folder = scratchFolder('once-broken');

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('safetensors', () => {
  const read = (header: string) => () => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    readSafetensors(Buffer.concat([length, Buffer.from(header)]));
  };

  it('a dtype that JavaScript cannot make a text of is refused (TypeError)', () => {
    expect(read('{"a":{"dtype":{"toString":0,"valueOf":0}}}')).toThrow(/DATA_INVALID.*dtype/);
  });

  it('a dtype nested 20,000 deep is refused (stack overflow)', () => {
    expect(read(`{"a":{"dtype":${nested(20_000)}}}`)).toThrow(/DATA_INVALID.*dtype/);
  });
});

it('weights that name 140,000 blocks are refused (57 s and 4 GB for their spellings)', () => {
  const empty = { dtype: 'F32', shape: [0], bytes: new Uint8Array(0) } as const;
  const named = Array.from(
    { length: 140_000 },
    (_, block) => [`blocks.${block}.a`, empty] as const,
  );
  expect(() => renameWeights(new Map(named))).toThrow(/CHECKPOINT_MISMATCH/);
}, 20_000);

describe('a PyTorch file', () => {
  const code = (text: string) => [...Buffer.from(text, 'latin1')];
  /** Three pickles of a legacy file, then the root. */
  const legacy = (...root: readonly number[]) =>
    Buffer.from([
      ...[0x80, 2, 0x8a, 10, ...code('\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.')],
      ...[0x80, 2, ...code('M\xe9\x03.'), 0x80, 2, ...code('}.'), 0x80, 2, ...root],
      ...[0x80, 2, ...code('].')],
    ]);

  it('that names a callable by the mark of a group is refused (TypeError)', () => {
    expect(() => readPickle(Buffer.from([...code('(('), 0x93, 0x2e]))).toThrow(/calls no name/);
  });

  it('whose key is a list of lists of lists, 2^60 in all, is refused (it hung)', () => {
    const twice = (place: number) => [...code('0(h'), place, ...code('h'), place, ...code('lq')];
    const doubled = Array.from({ length: 60 }, (_, place) => [...twice(place), place + 1]);
    const bomb = [...code(']q'), 0, ...doubled.flat()];
    const file = legacy(...code('}('), ...bomb, ...code('Nu.'));
    expect(() => readPth(file)).toThrow(/no dictionary of tensors/);
  });

  it('with a tensor of 65,000 dimensions is refused (each value took 65,000 steps)', () => {
    const ones = [
      ...code('('),
      ...Array.from({ length: 65_000 }, () => code('K\x01')).flat(),
      0x74,
    ];
    const storage = [...code('(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x01tQ')];
    const tensor = [...code('ctorch._utils\n_rebuild_tensor_v2\n('), ...storage, ...code('K\x00')];
    const pickle = Buffer.from([...tensor, ...ones, ...ones, ...code('tR.')]);
    expect(() => readPickle(pickle)).toThrow(/description of a tensor is invalid/);
  });

  it('with a damaged value is refused by the checksum of its entry (it was read)', () => {
    const bytes = readFileSync(resolve(import.meta.dirname, '../fixtures/weights/timm.f32.pth'));
    const { tensors } = readPth(bytes).groups[0]!;
    const values = tensors.get('head.weight')?.bytes as Uint8Array;
    values[5] = (values[5] ?? 0) ^ 1;
    const read = () => readPth(bytes).groups[0]?.tensors.get('head.weight')?.bytes;
    expect(read).toThrow(/DATA_INVALID.*checksum.*is wrong/);
  });
});

describe('a zip of tensors', () => {
  it('that would unpack to a thousand times its size is refused (it was unpacked)', () => {
    const one = { content: Buffer.alloc(60 * 1024 ** 2) };
    const zip = zipOf({ name: '0', ...one }, { name: '1', ...one });
    const entries = readZip(zip);
    const unpack = () => [...entries.values()].map((content) => content().length);
    expect(unpack).toThrow(/DATA_INVALID.*unpack to too many bytes/);
  });

  it('without checksums, as torch writes it on request, is read', () => {
    const content = Buffer.from('x');
    expect(readZip(zipOf({ name: 'a', content, crc32: 0 })).get('a')?.()).toEqual(
      new Uint8Array(content),
    );
    expect(() => readZip(zipOf({ name: 'a', content, crc32: 1 })).get('a')?.()).toThrow(
      /the checksum of a is wrong/,
    );
  });
});

describe('a config', () => {
  it('of 2,000 brackets is refused (stack overflow, which at times ends the process)', async () => {
    const path = await writeConfig(`name: ${'['.repeat(2000)}`);
    await expect(loadConfig(path, { env: {} })).rejects.toThrow(/CONFIG_INVALID.*too deep/);
  });

  it('is refused when a --set value has 2,000 brackets (the same)', () => {
    const set = [`name=${'['.repeat(2000)}`];
    expect(() => applySettings(smallConfig({}), set)).toThrow(/CONFIG_INVALID.*too deep/);
  });

  it('of 100,000 keys is refused (each was compared with each, for minutes)', async () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`);
    const path = await writeConfig(lines.join('\n'));
    await expect(loadConfig(path, { env: {} })).rejects.toThrow(/CONFIG_INVALID.*more than/);
  });
});

describe('an image', () => {
  const how: DecodeOptions = {
    imageSize: 224,
    resize: 'crop',
    cropFraction: 0.875,
    channels: 3,
    interpolation: 'bicubic',
  };
  const plain = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#123' } });

  it('of 1 x 16,000 pixels is refused, not enlarged to 2 GB', async () => {
    const sample = fileSample('narrow.png', await plain(1, 16_000).png().toBuffer());
    await expect(decodeImage(sample, how)).rejects.toThrow(
      /DATA_INVALID.*1 x 16000 pixels are too long and narrow/,
    );
  });

  it('of 6,619,145 x 9 pixels is refused before a row of it is read (0.9 GB)', async () => {
    const png = await plain(1, 9).png().toBuffer();
    png.writeUInt32BE(6_619_145, 16);
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    const region = { area: 1e-6, aspect: 1, left: 0, top: 0 };
    await expect(decodeImage(fileSample('wide.png', png), how, region)).rejects.toThrow(
      /DATA_INVALID.*6619145 x 9 pixels are too long and narrow/,
    );
  });
});

describe('a model file', () => {
  const path = join(folder, 'model.safetensors');
  const open = (tensors: readonly NamedTensor[], metadata = {}) => {
    writeFileSync(path, Buffer.concat(encodeSafetensors(tensors, metadata)));
    return readModel(path);
  };

  it('that says it has 2^50 blocks is refused (its table of parameters was made)', async () => {
    const metadata = { model: { ...MODEL, depth: 2 ** 50 }, classes: [], config: smallConfig({}) };
    await expect(open(TENSORS, encodeModelMetadata(metadata, 1))).rejects.toThrow(
      /CHECKPOINT_MISMATCH.*do not make a model of 1125899906842624 blocks/,
    );
  });

  it.each(['blocks.0.mlp.fc1.weight', 'head.weight'])(
    'whose %s has 2^50 rows and no values is refused (RangeError)',
    async (name) => {
      const empty = { shape: [2 ** 50, 0], bytes: new Uint8Array(0) };
      const tensors = TENSORS.map((it) => (it.name === name ? { ...it, ...empty } : it));
      await expect(open(tensors)).rejects.toThrow(/CHECKPOINT_MISMATCH/);
    },
  );

  it('without any block is refused (ZodError)', async () => {
    const tensors = TENSORS.filter(({ name }) => name !== 'blocks.0.norm1.weight');
    await expect(open(tensors)).rejects.toThrow(/CHECKPOINT_MISMATCH/);
  });
});

describe('certificates', () => {
  /** The nameless one with other bytes at the first place where these are. */
  const changedAt = (found: string, other: string) => {
    const der = Buffer.from(NAMELESS.split('\n').slice(1, -2).join(''), 'base64');
    const at = der.indexOf(found);
    der.write(other, at, 'latin1');
    return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  };
  const describing = (pem: string) => () => describeCertificate(pem, 'a.crt');

  it('one without a subject is shown (TypeError)', () => {
    expect(describing(NAMELESS)()).toMatchObject({ name: '', role: undefined });
  });

  it('one whose last day is no date is refused (RangeError)', () => {
    expect(describing(changedAt('2126', '21x6'))).toThrow(/DATA_INVALID.*not a certificate/);
  });

  it('one whose key is no point of its curve is refused (an error of OpenSSL)', async () => {
    const path = join(folder, 'ca.crt');
    // The mark of a point that is not compressed, behind the length of the key.
    writeFileSync(path, changedAt('\u0003B\u0000\u0004', '\u0003B\u0000\u0009'));
    await expect(readAuthority(path)).rejects.toThrow(/ACCESS_DENIED.*not a certificate/);
  });
});

describe('what is said of strange input', () => {
  it('has nothing that a terminal obeys (a dtype cleared the screen of whoever printed it)', () => {
    const error = new TesseraError('DATA_INVALID', 'a\u001b[2J\u009b2J', { hint: 'b\rc' });
    expect([error.sentence, error.hint]).toEqual(['a\\u001b[2J\\u009b2J', 'b\\u000dc']);
  });

  it('a status of 130,000 workers is shown (RangeError)', () => {
    const worker = new NotingPort().status().workers[0] as RunStatus['workers'][number];
    const workers = Array.from({ length: 130_000 }, () => worker);
    expect(statusLines({ ...new NotingPort().status(), workers }).length).toBeGreaterThan(130_000);
  });
});

describe('a run folder', () => {
  it('whose lock is of process 0 is used over (it was held for ever)', async () => {
    const path = join(folder, 'coordinator.lock');
    const holder = { id: 'x', host: hostname(), pid: 0, started: '' };
    writeFileSync(path, JSON.stringify(holder));
    await (await takeLock(path)).release();
  });

  it('whose metrics say the 50,000th step 50,000 times is read (each went through all before it)', async () => {
    const step = (number: number) => {
      const figures = {
        loss: 1,
        accuracy: 1,
        learningRate: 1,
        gradientNorm: 1,
        imagesPerSecond: 1,
      };
      const time = '2026-01-02T03:04:05.678Z';
      return JSON.stringify({ type: 'step', time, step: number, epoch: 0, ...figures });
    };
    const steps = Array.from({ length: 1e5 }, (_, at) => step(Math.min(at, 5e4)));
    writeFileSync(join(folder, 'metrics.jsonl'), steps.join('\n'));
    expect((await readMetrics(folder)).steps).toHaveLength(5e4 + 1);
  }, 20_000);
});

describe('what comes from a coordinator or a disk', () => {
  it('a finish brings no control characters to logs and terminals (it did)', () => {
    const finish = decodeFinish({ errorCode: 'INTERNAL', reason: 'a\u001b[2J\nb', hint: 'c\rd' });
    expect(finish).toEqual({ code: 'INTERNAL', reason: 'a [2J b', hint: 'c d' });
  });

  it('a welcome whose config is no JSON is refused (SyntaxError)', () => {
    const welcome = new NotingPort().join(JOIN, { send: () => {}, close: () => {} });
    expect(() => programOf({ ...welcome, configJson: '{' })).toThrow(/PROTOCOL_MISMATCH/);
  });

  it.each(['{', `{"seed":${nested(9000)}}`])(
    'a checkpoint of a run that is named by no JSON is damaged (SyntaxError, stack overflow)',
    (identityJson) => {
      const state = { runFingerprint: 'ab'.repeat(32), identityJson } as CheckpointState;
      expect(() => refuseOtherRun('c', state, '{"seed":1}')).toThrow(/CHECKPOINT_CORRUPT/);
    },
  );

  it('features are counted before they are allocated', () => {
    const message = { indices: [1], labels: [0], crc32: 0, data: new Uint8Array(0) };
    const shape = { width: 2 ** 40, numSamples: 5 };
    expect(() => decodeFeatures(message, shape)).toThrow(/CHUNK_CORRUPT/);
  });

  it('a state.json nested 20,000 deep is a damaged checkpoint', async () => {
    writeFileSync(join(folder, 'state.json'), `{"x":${nested(20_000)}}`);
    await expect(readState(folder)).rejects.toThrow(/CHECKPOINT_CORRUPT/);
  });

  it('a state.json whose schema is an object is of another version', async () => {
    const content = { schema: { toString: 0, valueOf: 0 } };
    const state = { ...content, crc32: crc32(JSON.stringify(content)) };
    writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
    await expect(readState(folder)).rejects.toThrow(/CHECKPOINT_MISMATCH/);
  });
});
