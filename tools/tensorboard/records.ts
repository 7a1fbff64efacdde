/**
 * @file Records of an events file: `Event` messages of TensorBoard, each in the frame of a TFRecord. Pure.
 *
 * Source  tensorboard/compat/proto/event.proto; TensorFlow's "TFRecord" page for the frame.
 */
import {
  double,
  type Fields,
  integer,
  message,
  text,
} from '../../shared/compute/lower/protobuf.ts';
import { crc32c } from './crc32c.ts';

/** When something was. Units  wallSeconds since 1970. */
export interface Moment {
  readonly step: number;
  readonly wallSeconds: number;
}

/** Added to a checksum that is itself among what is checked. Source  TFRecord. */
const MASK_DELTA = 0xa282_ead8;
/** Of all files that readers of today write. */
const FILE_VERSION = 'brain.Event:2';
const SESSION_START = 1;

/** The first record of a file. */
export function versionRecord({ wallSeconds }: Pick<Moment, 'wallSeconds'>): Uint8Array {
  return framed([double(1, wallSeconds), text(3, FILE_VERSION)].flat());
}

/** The run begins again: readers forget what earlier files have of this step and later ones. */
export function startRecord(moment: Moment): Uint8Array {
  return eventRecord(moment, message(7, integer(1, SESSION_START)));
}

/** Values of one step, made by `values.ts`. */
export function summaryRecord(moment: Moment, values: readonly Fields[]): Uint8Array {
  return eventRecord(moment, message(5, ...values));
}

function eventRecord({ step, wallSeconds }: Moment, what: Fields): Uint8Array {
  return framed([double(1, wallSeconds), integer(2, step), what].flat());
}

/** A message in its frame: its length, the checksum of that, the message, and its checksum. */
function framed(fields: Fields): Uint8Array {
  const size = fields.reduce((sum, { length }) => sum + length, 0);
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(size));
  head.writeUInt32LE(masked([head.subarray(0, 8)]), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(masked(fields));
  return Buffer.concat([head, ...fields, tail]);
}

function masked(pieces: readonly Uint8Array[]): number {
  const crc = crc32c(pieces);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
