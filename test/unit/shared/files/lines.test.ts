/** @file Lines come out as they went in, however they are cut; one without an end takes no memory. */
import { expect, it } from 'vitest';
import { BoundedLines } from '../../../../shared/files/lines.ts';

function cut(pieces: readonly string[], bytesMax: number): (string | undefined)[] {
  const lines = new BoundedLines(bytesMax);
  const found = pieces.flatMap((piece) => [...lines.add(Buffer.from(piece))]);
  return [...found, ...lines.end()];
}

it.each([
  ['whole', ['one\ntwö\n\nlast'], ['one', 'twö', '', 'last']],
  ['cut within lines', ['o', 'ne\ntw', 'ö', '\n', '\nla', 'st'], ['one', 'twö', '', 'last']],
  ['as long as may be', ['12345678\n'], ['12345678']],
  ['too long in one piece', ['1\n123456789\n2\n'], ['1', undefined, '2']],
  ['too long over many pieces', ['12345', '67890', '1\n', '2'], [undefined, '2']],
  ['too long without an end', ['1\n12345', '67890'], ['1', undefined]],
] as const)('%s', (_what, pieces, lines) => expect(cut(pieces, 8)).toEqual(lines));
