/** @file The bulk calls of proto/: their paths, and how their messages become parts and come back from pieces. */

import type { Chunk } from '../../../contract/generated/tessera/v1/Chunk.ts';
import type { ExecutableChunk } from '../../../contract/generated/tessera/v1/ExecutableChunk.ts';
import type { ExecutablePiece } from '../../../contract/generated/tessera/v1/ExecutablePiece.ts';
import type { FeatureRows } from '../../../contract/generated/tessera/v1/FeatureRows.ts';
import type { NodeChunk } from '../../../contract/generated/tessera/v1/NodeChunk.ts';
import type { SampleChunk } from '../../../contract/generated/tessera/v1/SampleChunk.ts';
import type {
  ReceivedChunk,
  ReceivedExecutableChunk,
  ReceivedExecutablePiece,
  ReceivedFeatures,
  ReceivedNodeChunk,
  ReceivedSample,
} from '../../../contract/received.ts';
import { TesseraError } from '../../../core/errors.ts';
import { protoPackage, services } from '../protos.ts';
import type { Pieces } from './frames.ts';
import { partsOf, putBulk, type Shape, splitBulk } from './protobuf.ts';

/** One kind of message. */
export interface Codec<Sent, Received> {
  /** A message as parts; large ones are views of what it carries. */
  encode(message: Sent): Pieces;
  /** Throws  MESSAGE_INVALID. */
  decode(pieces: Pieces): Received;
}

/** A call, of which one side sends a stream. */
export interface BulkMethod<Request, RequestIn, Reply, ReplyIn> {
  readonly path: string;
  readonly request: Codec<Request, RequestIn>;
  readonly reply: Codec<Reply, ReplyIn>;
}

const {
  PushNode,
  PullParameters,
  FetchSamples,
  FetchFeatures,
  FetchExecutable,
  PushExecutable,
  Probe,
} = services.Exchange.service;

const CHUNK = shapeOf('Chunk', PullParameters.responseSerialize);
const FEATURES = shapeOf('FeatureRows', FetchFeatures.responseSerialize);

/** The bulk calls by their names. */
export const METHODS = {
  pushNode: {
    path: PushNode.path,
    request: bulk<NodeChunk, ReceivedNodeChunk>(
      PushNode.requestDeserialize,
      shapeOf('NodeChunk', PushNode.requestSerialize, { chunk: CHUNK, features: FEATURES }),
    ),
    reply: plain(PushNode.responseSerialize, PushNode.responseDeserialize),
  },
  pullParameters: {
    path: PullParameters.path,
    request: plain(PullParameters.requestSerialize, PullParameters.requestDeserialize),
    reply: bulk<Chunk, ReceivedChunk>(PullParameters.responseDeserialize, CHUNK),
  },
  fetchSamples: {
    path: FetchSamples.path,
    request: plain(FetchSamples.requestSerialize, FetchSamples.requestDeserialize),
    reply: bulk<SampleChunk, ReceivedSample>(
      FetchSamples.responseDeserialize,
      shapeOf('SampleChunk', FetchSamples.responseSerialize),
    ),
  },
  fetchFeatures: {
    path: FetchFeatures.path,
    request: plain(FetchFeatures.requestSerialize, FetchFeatures.requestDeserialize),
    reply: bulk<FeatureRows, ReceivedFeatures>(FetchFeatures.responseDeserialize, FEATURES),
  },
  fetchExecutable: {
    path: FetchExecutable.path,
    request: plain(FetchExecutable.requestSerialize, FetchExecutable.requestDeserialize),
    reply: bulk<ExecutablePiece, ReceivedExecutablePiece>(
      FetchExecutable.responseDeserialize,
      shapeOf('ExecutablePiece', FetchExecutable.responseSerialize, { chunk: CHUNK }),
    ),
  },
  pushExecutable: {
    path: PushExecutable.path,
    request: bulk<ExecutableChunk, ReceivedExecutableChunk>(
      PushExecutable.requestDeserialize,
      shapeOf('ExecutableChunk', PushExecutable.requestSerialize, { chunk: CHUNK }),
    ),
    reply: plain(PushExecutable.responseSerialize, PushExecutable.responseDeserialize),
  },
  probe: {
    path: Probe.path,
    request: plain(Probe.requestSerialize, Probe.requestDeserialize),
    reply: plain(Probe.responseSerialize, Probe.responseDeserialize),
  },
} as const;

/** Messages that carry no bulk. */
function plain<Sent, Received>(
  serialize: (message: Sent) => Buffer,
  deserialize: (bytes: Buffer) => Received,
): Codec<Sent, Received> {
  return {
    encode: (message) => [serialize(message)],
    decode: (pieces) => parsed(deserialize, pieces),
  };
}

/** Messages whose `data` are not copied. */
function bulk<Sent extends object, Received>(
  deserialize: (bytes: Buffer) => object,
  shape: Shape,
): Codec<Sent, Received> {
  return {
    encode: (message) => partsOf(message, shape),
    decode(pieces) {
      const split = splitBulk(pieces, shape);
      const message = parsed(deserialize, split?.head ?? pieces);
      if (split !== undefined) putBulk(message, split);
      return message as Received;
    },
  };
}

function parsed<Message>(deserialize: (bytes: Buffer) => Message, pieces: Pieces): Message {
  const [first] = pieces;
  const bytes = first instanceof Buffer && pieces.length === 1 ? first : Buffer.concat(pieces);
  try {
    return deserialize(bytes);
  } catch (cause) {
    throw new TesseraError('MESSAGE_INVALID', 'a message that is none of this call', {
      hint: 'is the other side a Tessera of the same version?',
      cause,
    });
  }
}

/** A field of proto/, as the loader describes it. */
interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly label: string;
}

/** Where a message of proto/ has its bulk: in its field `data`, or in those of `inner`. */
function shapeOf(
  message: string,
  serialize: Shape['serialize'],
  inner: Readonly<Record<string, Shape>> = {},
): Shape {
  const { type } = protoPackage[`tessera.v1.${message}`] as {
    readonly type: { readonly field?: readonly Field[] };
  };
  const fields = type.field ?? [];
  const numberOf = (wanted: string) => fields.find(({ name }) => name === wanted)?.number;
  return {
    serialize,
    data: numberOf('data'),
    wireTypes: new Map(fields.map((field) => [field.number, wireTypesOf(field)])),
    inner: new Map(
      Object.entries(inner).map(([name, shape]) => [name, { ...shape, number: numberOf(name) }]),
    ),
  };
}

/** What a field may look like on the wire. */
function wireTypesOf({ type, label }: Field): readonly number[] {
  if (type === 'TYPE_DOUBLE') return [1];
  if (['TYPE_STRING', 'TYPE_BYTES', 'TYPE_MESSAGE'].includes(type)) return [2];
  return label === 'LABEL_REPEATED' ? [0, 2] : [0];
}
