/** @file Files named by their first bytes. */
import sharp from 'sharp';
import { expect, it } from 'vitest';
import {
  type ImageKind,
  imageKind,
  isDecodable,
  kindName,
  remedy,
} from '../../../../shared/files/image-kind.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const boxed = (...brands: string[]) =>
  bytes(
    `\0\0\0${String.fromCharCode(12 + brands.length * 4)}ftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`,
  );

const picture = () => sharp({ create: { width: 3, height: 2, channels: 3, background: '#48a' } });

it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)(
  'knows and reads %s',
  async (kind) => {
    const file = await picture().toFormat(kind).toBuffer();
    expect(imageKind(file.subarray(0, 64))).toBe(kind);
    expect(isDecodable(kind)).toBe(true);
  },
);

const BMP_HEADER = 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0';
it.each<[ImageKind | undefined, Uint8Array]>([
  ['bmp', bytes(BMP_HEADER)],
  ['heic', boxed('heic', 'mif1', 'heic')],
  ['heic', boxed('mif1', 'mif1', 'heix', 'miaf')],
  ['heic', boxed('msf1', 'hevc')],
  ['avif', boxed('avif', 'mif1', 'miaf')],
  ['avif', boxed('mif1', 'miaf', 'avif')],
  ['avif', boxed('avis', 'msf1')],
  ['video', boxed('isom', 'iso2', 'avc1', 'mp41')],
  ['video', boxed('qt  ')],
  ['raw', boxed('crx ', 'isom')],
  ['raw', bytes('II*\0\x10\0\0\0CR\x02\0')],
  ['tiff', bytes('MM\0*\0\0\0\x08')],
  ['tiff', bytes('II+\0\x08\0\0\0')],
  ['svg', bytes('<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="">')],
  ['svg', bytes('\xef\xbb\xbf  <svg width="3">')],
  ['html', bytes('\n<!DOCTYPE html><html>')],
  ['lfs', bytes('version https://git-lfs.github.com/spec/v1\noid sha256:')],
  ['jls', bytes('\xff\xd8\xff\xf7')],
  ['jxl', bytes('\xff\x0a')],
  ['jp2', bytes('\0\0\0\x0cjP  \r\n\x87\n')],
  ['ico', bytes('\0\0\x01\0\x01\0\x10\x10\0\0\x01\0')],
  ['psd', bytes('8BPS\0\x01')],
  ['pnm', bytes('P6\n3 2 255\n')],
  ['appledouble', bytes('\0\x05\x16\x07\0\x02\0\0Mac OS X')],
  ['pdf', bytes('%PDF-1.7')],
  ['link', bytes('../../originals/a b/0001.JPG')],
  ['link', bytes('./0001.png\n')],
  ['link', bytes('..\\caf\xc3\xa9\\1.tiff\r\n')],
  [undefined, bytes('a/a.jpg\nb/b.jpg\n')],
  [undefined, bytes('a.jpg')],
  [undefined, bytes(`../${'x'.repeat(300)}.jpg`)],
  [undefined, bytes('hello, I am a text')],
  [undefined, bytes('BM is how this text begins')],
  [undefined, bytes('RIFF\0\0\0\0WAVE')],
  [undefined, new Uint8Array()],
])('knows %s by its first bytes', (kind, head) => {
  expect(imageKind(head)).toBe(kind);
});

it('names what is not read, and what to do', () => {
  expect(isDecodable('heic')).toBe(false);
  expect(isDecodable(undefined)).toBe(false);
  expect(kindName('heic')).toBe('HEIC');
  expect(remedy('heic')).toMatch(/heif-convert/);
  expect(remedy(undefined)).toMatch(/remove/);
});
