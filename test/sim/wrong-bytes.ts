/** @file What a network, or a broken machine, can do to the messages of one bulk call. */
import { crc32 } from 'node:zlib';
import type { World } from './world.ts';

interface WireChunk {
  offset: number;
  totalBytes: number;
  crc32: number;
  data: Uint8Array;
}

/** A message with or without a chunk in it. */
export type Wire = Partial<WireChunk> & { chunk?: WireChunk };

/** The messages as they arrive: mostly as they are. */
export function damage(world: World, messages: Wire[]): Wire[] {
  const places = messages.flatMap((message, index) =>
    bytesIn(message) === undefined ? [] : [index],
  );
  if (places.length === 0 || !world.chance('wrongBytesPerCall', 'wrongBytes')) return messages;
  const { dice } = world;
  const at = places[dice.integer(0, places.length - 1)]!;
  const kind = dice.integer(0, 6);
  switch (kind) {
    case 0:
      return messages.toSpliced(at, 1);
    case 1:
      return messages.toSpliced(at, 0, messages[at]!);
    case 2:
      return messages.toSpliced(at, 2, ...messages.slice(at, at + 2).reverse());
    case 3:
      return messages.slice(0, at);
    default:
      return messages.with(at, changed(messages[at]!, kind, dice.integer(0, 1e6)));
  }
}

/** A bit flips, the checksum lies, or the values are no numbers though the checksum holds. */
function changed(message: Wire, kind: number, random: number): Wire {
  const chunk = { ...(message.chunk ?? message) } as WireChunk;
  chunk.data = Uint8Array.from(chunk.data);
  if (kind === 4 && chunk.data.length > 0)
    chunk.data[random % chunk.data.length]! ^= 1 << (random % 8);
  else if (kind === 5 || chunk.totalBytes === undefined) chunk.crc32 += 1;
  else {
    chunk.data.fill(0xff);
    chunk.crc32 = crc32(chunk.data);
  }
  return message.chunk === undefined ? chunk : { ...message, chunk };
}

function bytesIn(message: Wire): Uint8Array | undefined {
  const data = message.chunk?.data ?? message.data;
  return data?.length === 0 ? undefined : data;
}
