/**
 * @file Values of a summary: scalars, images, histograms, text, and the settings of a run for the plugin hparams. Pure.
 *
 * Scalars, images and histograms have the forms that PyTorch writes, which all readers know.
 * Source  tensorboard/compat/proto/summary.proto and tensor.proto; plugins/hparams/plugin_data.proto.
 */
import {
  double,
  type Fields,
  float,
  integer,
  message,
  text,
} from '../../shared/compute/lower/protobuf.ts';
import type { Histogram } from './histogram.ts';

/** A setting of a run. */
export type HyperParameter = number | boolean | string;

const DT_FLOAT = 1;
const DT_STRING = 7;
const DATA_CLASS_TENSOR = 2;
/** Channels of an image. */
const RGB = 3;
const START_TAG = '_hparams_/session_start_info';
const END_TAG = '_hparams_/session_end_info';
/** How a run has ended. Source  plugins/hparams/api.proto, Status. */
const STATUS = { success: 1, failure: 2, unknown: 0 } as const;
export type RunEnding = keyof typeof STATUS;

/** What stands before the float of a scalar, by its tag: each step writes the same ones again. */
const heads = new Map<string, Uint8Array>();
const HEADS_MAX = 1000;
const FLOAT_BYTES = 4;

/** A figure; it is kept in float32. */
export function scalar(tag: string, value: number): Fields {
  const bytes = Buffer.alloc(FLOAT_BYTES);
  bytes.writeFloatLE(value);
  return [heads.get(tag) ?? newHead(tag), bytes];
}

function newHead(tag: string): Uint8Array {
  const whole = Buffer.concat(message(1, text(1, tag), float(2, 0)));
  const head = whole.subarray(0, -FLOAT_BYTES);
  if (heads.size >= HEADS_MAX) heads.clear();
  heads.set(tag, head);
  return head;
}

/** A picture. */
export function image(
  tag: string,
  png: { readonly bytes: Uint8Array; readonly width: number; readonly height: number },
): Fields {
  const { bytes, width, height } = png;
  const facts = [integer(1, height), integer(2, width), integer(3, RGB)];
  return message(1, text(1, tag), message(4, ...facts, message(4, [bytes])));
}

/** A distribution. */
export function histogram(tag: string, values: Histogram): Fields {
  const { min, max, count, sum, sumOfSquares, limits, counts } = values;
  return message(
    1,
    text(1, tag),
    message(
      5,
      ...[double(1, min), double(2, max), double(3, count), double(4, sum)],
      ...[double(5, sumOfSquares), doubles(6, limits), doubles(7, counts)],
    ),
  );
}

/** A text in Markdown. */
export function markdown(tag: string, words: string): Fields {
  const tensor = message(8, integer(1, DT_STRING), message(2), text(8, words));
  return message(1, text(1, tag), tensor, metadata('text', []));
}

/** The settings that a run begins with. */
export function hyperParameters(
  settings: Readonly<Record<string, HyperParameter>>,
  { group, wallSeconds }: { readonly group: string; readonly wallSeconds: number },
): Fields {
  const entries = Object.entries(settings).map(([name, value]) =>
    message(1, text(1, name), message(2, jsonValue(value))),
  );
  const info = message(3, ...entries, text(4, group), double(5, wallSeconds));
  return ofHparams(START_TAG, info);
}

/** How and when a run has ended. */
export function runEnded(ending: RunEnding, wallSeconds: number): Fields {
  return ofHparams(END_TAG, message(4, integer(1, STATUS[ending]), double(2, wallSeconds)));
}

/** All is in the metadata; the tensor is empty. */
function ofHparams(tag: string, content: Fields): Fields {
  const empty = message(8, integer(1, DT_FLOAT), message(2, message(2, integer(1, 0))));
  return message(1, text(1, tag), empty, metadata('hparams', content));
}

function metadata(plugin: string, content: Fields): Fields {
  const data = message(1, text(1, plugin), message(2, content));
  return message(9, data, integer(4, DATA_CLASS_TENSOR));
}

/** A google.protobuf.Value. */
function jsonValue(value: HyperParameter): Fields {
  if (typeof value === 'number') return double(2, value);
  if (typeof value === 'string') return text(3, value);
  return integer(4, Number(value));
}

/** Packed floats of 64 bits. */
function doubles(field: number, values: Float64Array): Fields {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [at, value] of values.entries()) bytes.writeDoubleLE(value, 8 * at);
  return message(field, [bytes]);
}
