/**
 * @file Every door is hammered on: goal, no crash, no hang, no unbounded memory, a typed error each.
 *
 * FUZZ_FACTOR multiplies the inputs of the short run; FUZZ_SEED replays a run, FUZZ_DOOR (a pattern) only some doors.
 */
import { afterAll, expect, it } from 'vitest';
import type { DoorCounts } from './door.ts';
import { DOORS } from './doors.ts';
import { watch } from './watchdog.ts';

const { FUZZ_FACTOR: factor, FUZZ_SEED: given, FUZZ_DOOR: only = '' } = process.env;
/** Of the inputs of a door, in `npm test`. */
const SHORT = 0.5;
/** A short run is the same every time, a long one looks elsewhere. */
const seed = Number(given ?? (factor === undefined ? 1 : Date.now() % 2 ** 31));
const table = new Map<string, DoorCounts>();

it.each(DOORS.filter(({ name }) => new RegExp(only).test(name)))('$name', async (door) => {
  const counts = await door.hammer(seed, Number(factor ?? SHORT));
  table.set(door.name, counts);
  for (const fate of ['accepted', 'refused'] as const) {
    const share = counts[fate] / counts.inputs;
    expect(share, `share of inputs that are ${fate}`).toBeGreaterThanOrEqual(door.least[fate]);
  }
});

afterAll(() => {
  watch(undefined);
  const total = (which: keyof DoorCounts) =>
    [...table.values()].reduce((sum, counts) => sum + counts[which], 0);
  const all = { inputs: total('inputs'), refused: total('refused'), accepted: total('accepted') };
  const rows = [...table, ['all', all] as const].map(([name, counts]) => countsRow(name, counts));
  const lines = [row('door', 'inputs', 'refused', 'accepted', 'accepted'), ...rows];
  process.stdout.write(`FUZZ_SEED=${seed}\n${lines.join('\n')}\n`);
});

function countsRow(name: string, { inputs, refused, accepted }: DoorCounts): string {
  return row(name, inputs, refused, accepted, `${Math.round((100 * accepted) / inputs)} %`);
}

function row(name: string, ...figures: readonly (string | number)[]): string {
  return name.padEnd(28) + figures.map((figure) => String(figure).padStart(10)).join('');
}
