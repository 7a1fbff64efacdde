/** @file Figures of another source that are drawn beside a run's: a small table as text. */
import { basename, extname } from 'node:path';
import { TesseraError } from '../../shared/core/errors.ts';
import { readWholeFile } from '../../shared/files/files.ts';

const BYTES_MAX = 1024 * 1024;
const HINT =
  'a first line such as "epoch,accuracy", then lines such as "1,86.7%" or "1,0.867"; or a column loss';

/** Points of another source. */
export interface Beside {
  /** The name of the file, without its ending. */
  readonly name: string;
  readonly accuracy: readonly (readonly [epoch: number, value: number])[];
  readonly loss: readonly (readonly [epoch: number, value: number])[];
}

/** Reads such a file. Throws  DATA_INVALID when it is not a table of epochs with accuracies or losses. */
export async function readBeside(path: string): Promise<Beside> {
  const text = new TextDecoder().decode(await readWholeFile(path, { bytesMax: BYTES_MAX }));
  return { name: basename(path, extname(path)), ...besideOf(text, path) };
}

/** The points of a text. Throws  as `readBeside`. */
export function besideOf(text: string, path: string): Omit<Beside, 'name'> {
  const rows = text
    .split(/\r?\n/)
    .map((line, at) => ({ cells: line.split(',').map((cell) => cell.trim()), number: at + 1 }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  const [head, ...lines] = rows;
  const names = head?.cells.map((name) => name.toLowerCase()) ?? [];
  const epochAt = names.indexOf('epoch');
  const columns = { accuracy: names.indexOf('accuracy'), loss: names.indexOf('loss') };
  if (epochAt < 0 || (columns.accuracy < 0 && columns.loss < 0) || lines.length === 0) {
    const sentence = `${path} is not a table of epochs with an accuracy or a loss`;
    throw new TesseraError('DATA_INVALID', sentence, { hint: HINT });
  }
  const points = (column: number, isShare: boolean) =>
    column < 0
      ? []
      : lines.map(({ cells, number }) => {
          const epoch = Number(cells[epochAt] || Number.NaN);
          const value = readValue(cells[column] ?? '', isShare);
          if (Number.isFinite(epoch) && Number.isFinite(value)) return [epoch, value] as const;
          const what = isShare
            ? 'an epoch and an accuracy from 0 to 1, or in %'
            : 'an epoch and a loss';
          throw new TesseraError('DATA_INVALID', `${path}:${number}: expected ${what}`, {
            hint: HINT,
          });
        });
  return { accuracy: points(columns.accuracy, true), loss: points(columns.loss, false) };
}

/** A number, or one in per cent; NaN for anything else, and for shares beyond 1. */
function readValue(cell: string, isShare: boolean): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(cell);
  if (match === null) return Number.NaN;
  const value = match[2] === '%' ? Number(match[1]) / 100 : Number(match[1]);
  return isShare && value > 1 ? Number.NaN : value;
}
