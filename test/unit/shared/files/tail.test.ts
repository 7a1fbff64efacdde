/** @file The end of a file that grows, is cut off, and gets another name. */
import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Tail } from '../../../../shared/files/tail.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-tail-'));
afterAll(() => rmSync(folder, { recursive: true }));
const BIG = { bytesMax: 1024 ** 2 };

describe('the tail of a file', () => {
  it('is there once the file is, and then what is appended, whole lines only', async () => {
    const path = join(folder, 'grows');
    const tail = new Tail(path, BIG);
    expect(await tail.read()).toEqual([]);
    writeFileSync(path, 'a\nb\nhal');
    expect(await tail.read()).toEqual(['a', 'b']);
    expect(await tail.read()).toEqual([]);
    appendFileSync(path, 'f\n\nc');
    expect(await tail.read()).toEqual(['half']);
    expect(tail.end()).toEqual(['c']);
    expect(tail.skipped).toBe(0);
  });

  it('begins with a whole line where the file is larger than what is read of it', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, `${'x'.repeat(100)}\nlast but one\nlast\n`);
    const tail = new Tail(path, { bytesMax: 20 });
    expect(await tail.read()).toEqual(['last but one', 'last']);
    expect(tail.skipped).toBe(101);
    const exact = new Tail(path, { bytesMax: 5 });
    expect(await exact.read()).toEqual(['last']);
  });

  it('goes on in a new file, after the rest of the old one, which has another name by then', async () => {
    const [path, before] = [join(folder, 'turns'), join(folder, 'turns.1')];
    writeFileSync(path, '1\n');
    const tail = new Tail(path, { ...BIG, before });
    expect(await tail.read()).toEqual(['1']);
    appendFileSync(path, '2\n');
    renameSync(path, before);
    writeFileSync(path, '3\n');
    expect(await tail.read()).toEqual(['2', '3']);
    truncateSync(path);
    expect(await tail.read()).toEqual([]);
    appendFileSync(path, '4\n');
    expect(await tail.read()).toEqual(['4']);
  });

  it('passes a line over that is too long, and refuses what is no file', async () => {
    const path = join(folder, 'long');
    writeFileSync(path, `${'x'.repeat(2 ** 17)}\nshort\n`);
    expect(await new Tail(path, BIG).read()).toEqual(['short']);
    await expect(new Tail('/dev/zero', BIG).read()).rejects.toThrow('a device');
  });
});
