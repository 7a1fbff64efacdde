/** @file The first bytes of image files, one character a byte: enough to list a file as what it is. */

/** By the ending that such a file mostly has. */
export const HEADS = {
  jpg: '\xff\xd8\xff\xe0',
  png: '\x89PNG\r\n\x1a\n',
  webp: 'RIFF\0\0\0\0WEBPVP8 ',
  gif: 'GIF89a',
  bmp: 'BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0',
  tif: 'II*\0\x08\0\0\0',
  avif: '\0\0\0\x14ftypavif\0\0\0\0mif1',
  heic: '\0\0\0\x14ftypheic\0\0\0\0mif1',
} as const;

/** Endings of the kinds that are read here. */
export const READABLE = ['jpg', 'png', 'webp', 'gif', 'bmp', 'tif', 'avif'] as const;

/** The bytes of such a text. */
export function binary(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
