/** @file The test of the lesson sees what is wrong: another number, another line, a block that nothing runs. */
import { describe, expect, it } from 'vitest';
import { outputFault } from '../../support/lesson/compare.ts';
import { type CommandBlock, parsePage } from '../../support/lesson/pages.ts';
import { withOutputs } from '../../support/lesson/reader.ts';

const fault = (expected: string, printed: string, tolerance = 0.01) =>
  outputFault(expected.split('\n'), printed, tolerance);

describe('what is printed', () => {
  it.each([
    ['loss 2.3026', 'loss  2.3027\n'],
    ['16 patches', '16 patches'],
    ['accuracy 97.9 %', 'accuracy 97.2 %'],
    ['took 3.2 s', 'took 41 s'],
    ['runs/a-20260101-120000', 'runs/a-20270809-010203'],
    ['a\n...\nd', 'a\nb\nc\nd'],
    ['a … d', 'a b c d'],
    ['…/file', '/tmp/x/file'],
  ])('%j is as %j', (expected, printed) => {
    expect(fault(expected, printed)).toBeUndefined();
  });

  it.each([
    ['16 patches', '17 patches'],
    ['loss 2.3026', 'loss 2.4026'],
    ['loss 2.3026', 'loss 2'],
    ['same: true', 'same: false'],
    ['a\nb', 'a'],
    ['a', 'a\nb'],
    ['a\nc', 'a\nb\nc'],
    ['a\n...\nd', 'a\nb'],
  ])('%j is not as %j', (expected, printed) => {
    expect(fault(expected, printed)).toBeDefined();
  });
});

describe('a page', () => {
  const fence = '```';
  const page = (...lines: string[]) => parsePage('page.md', lines.join('\n'));

  it('has files, commands with what they need, and their outputs', () => {
    const { blocks, pictures } = page(
      ...[
        `${fence}js`,
        '// a.mjs',
        'code',
        fence,
        'Save as `b.csv`:',
        '',
        `${fence}csv`,
        '1',
        fence,
      ],
      ...['<!-- lesson: weights slow tolerance=0.5 -->', `${fence}sh`, 'node a.mjs', fence],
      ...['and', '', `${fence}text`, 'out', fence, '![p](pictures/p.png)'],
    );
    expect(blocks).toMatchObject([
      { kind: 'file', name: 'a.mjs', text: '// a.mjs\ncode\n' },
      { kind: 'file', name: 'b.csv', text: '1\n' },
      { kind: 'commands', commands: ['node a.mjs'], output: ['out'], isSlow: true, tolerance: 0.5 },
    ]);
    expect([...(blocks[2] as CommandBlock).needs]).toEqual(['weights']);
    expect(pictures).toEqual(['p.png']);
  });

  it('is refused with a block that nothing would run, or a word that nothing knows', () => {
    expect(() => page(`${fence}js`, 'code', fence)).toThrow('page.md:1: a fence of js');
    expect(() => page(fence, 'code', fence)).toThrow('a fence of no language');
    expect(() => page(`${fence}text`, 'out', fence)).toThrow('an output without commands');
    expect(() => page('<!-- lesson: fast -->', `${fence}sh`, 'x', fence)).toThrow('unknown words');
  });

  it('gets another output where it differs', () => {
    const text = [`${fence}sh`, 'x', fence, `${fence}text`, 'old 1', fence, 'end'];
    const printed = new Map([[1, 'new 2\n']]);
    const written = withOutputs(page(...text), printed).split('\n');
    expect(written).toEqual([...text.slice(0, 4), 'new 2', ...text.slice(5)]);
    expect(withOutputs(page(...text), new Map([[1, 'old 1']]))).toBe(text.join('\n'));
  });
});
