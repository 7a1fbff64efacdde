/** @file Bulk messages taken apart by hand are what proto-loader makes of them, whatever their encoding and wherever they are cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, piecesOf } from '../../shared/contract/chunks.ts';
import { FrameReader, framed, type Pieces } from '../../shared/exchange/grpc/bulk/frames.ts';
import { type Codec, METHODS } from '../../shared/exchange/grpc/bulk/methods.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import { wireBytes } from '../fuzz/protobuf.ts';

const { PushNode, PullParameters, FetchSamples, FetchFeatures, FetchExecutable, PushExecutable } =
  services.Exchange.service;

interface Kind {
  readonly codec: Codec<never, unknown>;
  readonly serialize: (message: never) => Buffer;
  readonly deserialize: (bytes: Buffer) => unknown;
  readonly message: string;
}

/** The messages with bulk, and their oracle. */
const KINDS: Readonly<Record<string, Kind>> = {
  pushes: {
    codec: METHODS.pushNode.request,
    serialize: PushNode.requestSerialize,
    deserialize: PushNode.requestDeserialize,
    message: 'tessera.v1.NodeChunk',
  },
  parameters: {
    codec: METHODS.pullParameters.reply,
    serialize: PullParameters.responseSerialize,
    deserialize: PullParameters.responseDeserialize,
    message: 'tessera.v1.Chunk',
  },
  samples: {
    codec: METHODS.fetchSamples.reply,
    serialize: FetchSamples.responseSerialize,
    deserialize: FetchSamples.responseDeserialize,
    message: 'tessera.v1.SampleChunk',
  },
  features: {
    codec: METHODS.fetchFeatures.reply,
    serialize: FetchFeatures.responseSerialize,
    deserialize: FetchFeatures.responseDeserialize,
    message: 'tessera.v1.FeatureRows',
  },
  'fetched executables': {
    codec: METHODS.fetchExecutable.reply,
    serialize: FetchExecutable.responseSerialize,
    deserialize: FetchExecutable.responseDeserialize,
    message: 'tessera.v1.ExecutablePiece',
  },
  'pushed executables': {
    codec: METHODS.pushExecutable.request,
    serialize: PushExecutable.requestSerialize,
    deserialize: PushExecutable.requestDeserialize,
    message: 'tessera.v1.ExecutableChunk',
  },
};

const data = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.integer({ min: 4000, max: 20_000 }).map((length) => new Uint8Array(length).fill(7)),
);
const crc32 = fc.nat(2 ** 31 - 1);
const chunk = fc.record({
  offset: fc.nat(2 ** 31 - 1),
  totalBytes: fc.nat(2 ** 31 - 1),
  crc32,
  data,
});
const features = fc.record({
  indices: fc.array(fc.nat(300), { maxLength: 4 }),
  labels: fc.array(fc.nat(300), { maxLength: 4 }),
  crc32,
  data,
});
const key = fc.record({ digest: fc.string(), title: fc.string() });

/** What our own ends send. */
const SENT: Readonly<Record<string, fc.Arbitrary<object>>> = {
  pushes: fc.oneof(
    fc.record({ chunk }),
    fc.record({ features }),
    fc.record({ node: fc.record({ session: fc.string(), step: fc.nat(), lossSum: fc.double() }) }),
  ),
  parameters: chunk,
  samples: fc.record({
    index: fc.nat(9),
    name: fc.string(),
    raw: fc.boolean(),
    crc32,
    data,
    last: fc.boolean(),
  }),
  features,
  'fetched executables': fc.oneof(
    fc.record({ chunk }),
    fc.record({ reply: fc.record({ bytes: fc.nat() }) }),
  ),
  'pushed executables': fc.oneof(
    fc.record({ chunk }),
    fc.record({ header: fc.record({ session: fc.string(), key, released: fc.boolean() }) }),
  ),
};

/** Where a message is cut. */
const cuts = fc.array(fc.nat(20_000), { maxLength: 6 });

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  let at = 0;
  return ends
    .sort((a, b) => a - b)
    .map((end) => {
      const piece = bytes.subarray(at, end);
      at = end;
      return piece;
    });
}

/** A message with its bulk as one text, which compares fast, wherever that is. */
function joined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    name === 'data' ? Buffer.concat(piecesOf(field as Bytes)).toString('latin1') : joined(field),
  ]);
  return Array.isArray(value) ? value : Object.fromEntries(fields);
}

function attempt(decode: () => unknown): unknown {
  try {
    return joined(decode());
  } catch {
    return 'refused';
  }
}

describe.each(Object.entries(KINDS))('%s', (name, { codec, serialize, deserialize, message }) => {
  it('are encoded to what the library understands as its own encoding', () => {
    fc.assert(
      fc.property(SENT[name]!, (sent) => {
        const bytes = Buffer.concat(codec.encode(sent as never));
        expect(joined(deserialize(bytes))).toEqual(joined(deserialize(serialize(sent as never))));
      }),
    );
  });

  it('come back wherever they are cut, their bulk without a copy', () => {
    fc.assert(
      fc.property(SENT[name]!, cuts, (sent, places) => {
        const bytes = Buffer.concat(codec.encode(sent as never));
        const received = codec.decode(cut(bytes, places));
        expect(joined(received)).toEqual(joined(deserialize(bytes)));
        for (const piece of bulkOf(received)) expect(piece.buffer === bytes.buffer).toBe(true);
      }),
    );
  });

  it('in any encoding are what the library makes of them', () => {
    fc.assert(
      fc.property(wireBytes(message), cuts, (bytes, places) => {
        const theirs = attempt(() => deserialize(bytes));
        const ours = attempt(() => codec.decode(cut(bytes, places)));
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 300 },
    );
  });
});

function bulkOf(message: unknown): readonly Uint8Array[] {
  const { chunk, features, data } = message as Record<string, { data: Bytes } | undefined>;
  const bytes = (chunk ?? features)?.data ?? (data as Bytes | undefined);
  return bytes === undefined ? [] : piecesOf(bytes).filter(({ length }) => length > 0);
}

describe('frames', () => {
  const messages = fc.array(fc.array(data, { minLength: 1, maxLength: 3 }), { maxLength: 4 });

  it('bring back the messages, wherever the stream is cut', () => {
    fc.assert(
      fc.property(messages, cuts, (all, places) => {
        const stream = Buffer.concat(all.flatMap((parts) => framed(parts, 100_000)));
        const reader = new FrameReader(100_000);
        const whole: Pieces[] = cut(stream, places).flatMap((bytes) => reader.read(bytes));
        reader.end();
        const texts = (list: readonly Pieces[]) =>
          list.map((parts) => Buffer.concat(parts).toString('latin1'));
        expect(texts(whole)).toEqual(texts(all));
      }),
    );
  });

  it('refuse a message above the limit before it comes, a compressed one, and half of one', () => {
    const head = (flag: number, length: number) => {
      const bytes = Buffer.alloc(5, flag);
      bytes.writeUInt32BE(length, 1);
      return bytes;
    };
    const limit = new FrameReader(10);
    expect(() => limit.read(head(0, 11))).toThrow(/11 bytes, at most 10 are taken/);
    expect(() => new FrameReader(10).read(head(1, 3))).toThrow(/compressed/);
    for (const bytes of [head(0, 3), head(0, 3).subarray(0, 2)]) {
      const half = new FrameReader(10);
      expect(half.read(bytes)).toEqual([]);
      expect(() => half.end()).toThrow(/within a message/);
    }
    expect(() => framed([new Uint8Array(11)], 10)).toThrow(/MESSAGE_INVALID/);
  });
});
