/**
 * @file The coded data of a baseline JPEG, one scan with everything in it: codes to coefficients to planes of samples.
 *
 * Whatever is not in order ends it with 0: the caller has another decoder, which says what is wrong. Source  ITU-T T.81,
 * F.2; the layout of a frame and of a code's table is that of shared/data/pixels/jpeg-kernel.ts.
 */
import { clear, samplesOf } from './jpeg-block';

/** Fields of a frame, as int32. */
const DATA: usize = 0;
const BYTES: usize = 4;
const COMPONENTS: usize = 8;
const ACROSS: usize = 12;
const LEFT: usize = 16;
const RIGHT: usize = 20;
const TOP: usize = 24;
const BOTTOM: usize = 28;
const DOWN: usize = 32;
const ORDER: usize = 36;
const BLOCK: usize = 40;
/** The reader: the bits that are held, those of them that are good, the next byte. */
const HELD: usize = 48;
const NUM_HELD: usize = 56;
const NEXT: usize = 60;
/** Components, behind one another. */
const FIRST: usize = 64;
const COMPONENT_BYTES: usize = 32;
const H: usize = 0;
const V: usize = 4;
const LEVELS: usize = 8;
const REST: usize = 12;
const STEPS: usize = 16;
const PLANE: usize = 20;
const STRIDE: usize = 24;
const LEVEL: usize = 28;

/** A code's table: what its first 10 bits mean, and for longer codes their limits, places and meanings. */
const LIMITS: usize = 4096;
const PLACES: usize = 4224;
const MEANINGS: usize = 4352;
const LOOKUP_BITS: i32 = 10;
/**
 * A meaning: in 5 bits those to skip, whether it has the value, whether it ends the block; in 7 bits the zeros before it;
 * above them the value, or how many bits of it follow.
 */
const IS_VALUE: i32 = 32;
const IS_END: i32 = 64;
const FAULT: i32 = 127 << 8;
const NO_LEVEL: i32 = i32.MIN_VALUE;

/** What is read behind the data at most, in bytes, by blocks that are still in order, and the zeros there. */
const BEYOND: usize = 8;
const ZEROS: usize = 320;

/**
 * Copies coded data without the zeros that are stuffed behind 255, up to the marker that ends it, with zeros behind it.
 * Returns its length; -1 where it does not end with the end of the image.
 */
export function unstuffed(source: usize, bytes: i32, target: usize): i32 {
  const end = source + <usize>bytes;
  let to = target;
  for (let at = source; at + 1 < end; ) {
    if (at + 16 <= end && !hasMarks(at)) {
      v128.store(to, v128.load(at));
      at += 16;
      to += 16;
      continue;
    }
    const byte = load<u8>(at);
    store<u8>(to, byte);
    at += 1;
    if (byte === 255) {
      const kind = load<u8>(at);
      at += 1;
      if (kind === 0xd9) {
        memory.fill(to, 0, ZEROS);
        return <i32>(to - target);
      }
      if (kind !== 0) return -1;
    }
    to += 1;
  }
  return -1;
}

/** Whether one of 16 bytes is 255. */
function hasMarks(at: usize): bool {
  return v128.any_true(i8x16.eq(v128.load(at), i8x16.splat(-1)));
}

/** Decodes as many rows of units as are wanted, and keeps the wanted part. Returns 1, or 0 where something is not in order. */
export function decodeScan(frame: usize): i32 {
  const across = load<i32>(frame + ACROSS);
  const bottom = load<i32>(frame + BOTTOM);
  const bytes = load<i32>(frame + BYTES);
  const data = <usize>load<i32>(frame + DATA);
  store<u64>(frame + HELD, 0);
  store<i32>(frame + NUM_HELD, 0);
  store<i32>(frame + NEXT, <i32>data);
  for (let row: i32 = 0; row < bottom; row += 1) {
    for (let column: i32 = 0; column < across; column += 1) {
      if (!decodeUnit(frame, row, column)) return 0;
    }
  }
  const bits = ((<i32>(<usize>load<i32>(frame + NEXT) - data)) << 3) - load<i32>(frame + NUM_HELD);
  // A scan that is decoded to its end has no byte left, and none is missing.
  const isWhole = bottom === load<i32>(frame + DOWN);
  return (isWhole ? (bits + 7) >> 3 === bytes : bits <= bytes << 3) ? 1 : 0;
}

/** Decodes the blocks of one unit. */
function decodeUnit(frame: usize, row: i32, column: i32): bool {
  const x = column - load<i32>(frame + LEFT);
  const y = row - load<i32>(frame + TOP);
  const isWanted = y >= 0 && x >= 0 && column < load<i32>(frame + RIGHT);
  const end = <usize>(load<i32>(frame + DATA) + load<i32>(frame + BYTES)) + BEYOND;
  const last = frame + FIRST + <usize>load<i32>(frame + COMPONENTS) * COMPONENT_BYTES;
  for (let component = frame + FIRST; component < last; component += COMPONENT_BYTES) {
    const h = load<i32>(component + H);
    const blocks = h * load<i32>(component + V);
    const stride = load<i32>(component + STRIDE);
    const corner = load<i32>(component + PLANE) + y * (blocks / h) * 8 * stride + x * h * 8;
    for (let part: i32 = 0; part < blocks; part += 1) {
      const to = corner + (part / h) * 8 * stride + (part % h) * 8;
      if (!decodeBlock(frame, component, isWanted, <usize>to, <usize>stride)) return false;
      if (<usize>load<i32>(frame + NEXT) > end) return false;
    }
  }
  return true;
}

/** Decodes one block, and writes its samples where they are wanted. */
function decodeBlock(
  frame: usize,
  component: usize,
  isWanted: bool,
  to: usize,
  stride: usize,
): bool {
  const block = <usize>load<i32>(frame + BLOCK);
  const change = changeOfLevel(frame, <usize>load<i32>(component + LEVELS));
  if (change === NO_LEVEL) return false;
  const level = load<i32>(component + LEVEL) + change;
  store<i32>(component + LEVEL, level);
  store<i16>(block, <i16>level);
  const last = readRest(frame, <usize>load<i32>(component + REST), block);
  if (last < 0) return false;
  if (isWanted) return samplesOf(block, last, <usize>load<i32>(component + STEPS), to, stride);
  if (last > 0) clear(block);
  return true;
}

/** The next 8 bytes, the first one the highest. */
function eightBytes(at: usize): u64 {
  const reversed = i8x16(7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0);
  return i64x2.extract_lane(i8x16.swizzle(v128.load64_zero(at), reversed), 0);
}

/** What the first bits that are held mean. */
function meaningOf(table: usize, held: u64): i32 {
  const meaning = load<i32>(table + ((<usize>(held >> (64 - LOOKUP_BITS))) << 2));
  return meaning === 0 ? longMeaning(table, <i32>(held >> 48)) : meaning;
}

/** What a code that is longer than the lookup means. */
function longMeaning(table: usize, bits: i32): i32 {
  for (let length: i32 = LOOKUP_BITS + 1; length <= 16; length += 1) {
    const at = table + ((<usize>length) << 2);
    if (bits >= load<i32>(at, LIMITS)) continue;
    const place = (bits >> (16 - length)) + load<i32>(at, PLACES);
    return load<i32>(table + ((<usize>place) << 2), MEANINGS) | length;
  }
  return FAULT;
}

/** The number that the first `size` bits mean. */
function numberOf(held: u64, size: i32): i32 {
  const value = <i32>(held >> (64 - <u64>size));
  return select<i32>(value - (1 << size) + 1, value, value >> (size - 1) === 0);
}

/** How the level of a block differs from that of the one before. */
function changeOfLevel(frame: usize, table: usize): i32 {
  let numHeld = load<i32>(frame + NUM_HELD);
  const next = <usize>load<i32>(frame + NEXT);
  const held = load<u64>(frame + HELD) | (eightBytes(next) >> <u64>numHeld);
  store<i32>(frame + NEXT, <i32>next + ((63 - numHeld) >> 3));
  numHeld |= 56;
  const meaning = meaningOf(table, held);
  if (meaning === FAULT) return NO_LEVEL;
  let value = meaning >> 16;
  let length = meaning & 31;
  if ((meaning & IS_VALUE) === 0) {
    const size = value;
    value = numberOf(held << (<u64>length), size);
    length += size;
  }
  store<u64>(frame + HELD, held << (<u64>length));
  store<i32>(frame + NUM_HELD, numHeld - length);
  return value;
}

/**
 * Reads all of a block but its level, into what is all zeros. Returns the last place that was read, -1 where the codes are
 * wrong.
 */
function readRest(frame: usize, table: usize, block: usize): i32 {
  const order = <usize>load<i32>(frame + ORDER);
  let held = load<u64>(frame + HELD);
  let numHeld = load<i32>(frame + NUM_HELD);
  let next = <usize>load<i32>(frame + NEXT);
  let meaning: i32 = IS_END;
  let last: i32 = 0;
  for (let place: i32 = 1; place < 64; place += 1) {
    if (numHeld < 32) {
      held |= eightBytes(next) >> <u64>numHeld;
      next += <usize>((63 - numHeld) >> 3);
      numHeld |= 56;
    }
    meaning = meaningOf(table, held);
    const length = meaning & 31;
    held <<= <u64>length;
    numHeld -= length;
    place += (meaning >> 8) & 127;
    if (place > 63) break;
    let value = meaning >> 16;
    if ((meaning & IS_VALUE) === 0) {
      const size = value;
      value = numberOf(held, size);
      held <<= <u64>size;
      numHeld -= size;
    }
    store<i16>(block + <usize>load<u8>(order + <usize>place), <i16>value);
    last = place;
  }
  store<u64>(frame + HELD, held);
  store<i32>(frame + NUM_HELD, numHeld);
  store<i32>(frame + NEXT, <i32>next);
  // Zeros that go beyond the last place end nothing.
  return (meaning & IS_END) !== 0 || last === 63 ? last : -1;
}
