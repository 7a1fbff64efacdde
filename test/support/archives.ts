/** @file Archives for tests, honest and hostile, made entry by entry. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** An entry of a zip as its directory shall describe it. */
export interface ZipPart {
  readonly name: string;
  readonly content?: Buffer;
  /** Unix mode with file type. */
  readonly mode?: number;
  /** A size that is a lie. */
  readonly claims?: number;
  readonly crc32?: number;
  readonly flags?: number;
  readonly method?: number;
}

/** A zip of parts. */
export function zipOf(...parts: readonly ZipPart[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const content = part.content ?? Buffer.alloc(0);
    const packed = deflateRawSync(content);
    const name = Buffer.from(part.name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(part.flags ?? 0, 2);
    common.writeUInt16LE(part.method ?? 8, 4);
    common.writeUInt32LE(part.crc32 ?? crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(part.claims ?? content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 0, 'latin1');
    central.writeUInt16LE((3 << 8) | 20, 4);
    common.copy(central, 6);
    central.writeUInt16LE(part.mode ?? 0o100644, 40);
    central.writeUInt32LE(offset, 42);
    locals.push(local);
    directory.push(central, name);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, list, end]);
}

/** An entry of a tar. */
export type TarPart = Partial<Header> & {
  readonly name: string;
  readonly content?: string | Buffer;
};

/** A tar of parts. */
export async function tarOf(...parts: readonly TarPart[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of parts) {
    if (content === undefined) tar.entry(header as Header);
    else tar.entry(header as Header, content);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A tar.gz of parts. */
export async function tarGzOf(...parts: readonly TarPart[]): Promise<Buffer> {
  return gzipSync(await tarOf(...parts));
}
