/** @file A leaf of ours beside PyTorch's on one card: both are prepared at the same time, then measured by turns. */
import { fileURLToPath } from 'node:url';
import { median } from '../figures/median.ts';
import { operationsOf, peakOf } from './flops.ts';
import type { LeafRequest } from './leaf.ts';
import { LineProcess, type Reply } from './lines.ts';
import type { Duel } from './parts.ts';

/** What duels have in common. */
export interface DuelContext {
  readonly engine: LeafRequest['engine'];
  /** The command of PyTorch's side, without its request. */
  readonly peer: readonly string[];
  /** Whether PyTorch compiles its model: on a CPU that takes minutes. */
  readonly peerCompiles: boolean;
  /** Leaves of a node, a power of two. */
  readonly leaves: number;
  /** Within which both are compiled. */
  readonly readySeconds: number;
  readonly rounds: number;
  readonly secondsEach: number;
  readonly signal: AbortSignal;
  report(values: Readonly<Record<string, unknown>>): void;
}

const LEAF = fileURLToPath(new URL('./leaf.js', import.meta.url));

/** A side that is ready to be measured. */
interface Side {
  readonly name: string;
  readonly process: LineProcess;
  readonly facts: Reply;
  readonly replies: Reply[];
}

/** Measures both in bfloat16, or ours alone, and reports each as soon as it is ready; one may fail without the other. */
export async function measureDuel(duel: Duel, context: DuelContext): Promise<void> {
  const started = Object.entries(commandsOf(duel, context)).map(
    ([name, command]) => [name, new LineProcess(command, context.signal)] as const,
  );
  try {
    const prepared = started.map(([name, process]) => prepare(name, process, context));
    const sides = (await Promise.all(prepared)).filter((side) => side !== undefined);
    for (let round = 0; round < context.rounds; round += 1) {
      for (const { process, replies } of sides) {
        replies.push(await process.ask(`measure ${context.secondsEach}`));
      }
      if (sides.length > 0) context.report(compare(duel, sides));
    }
    const ours = sides.find(({ name }) => name === 'ours');
    if (ours === undefined) return;
    const product = await ours.process.ask(`product ${context.secondsEach}`);
    context.report({ side: 'ours', with: 'leaves up and nodes down', ...product });
  } finally {
    for (const [, process] of started) process.end();
  }
}

function commandsOf(
  { model, microBatch, isFree }: Duel,
  { engine, leaves, peer, peerCompiles: compile }: DuelContext,
) {
  const precision = 'bf16';
  const request: LeafRequest = { model, microBatch, precision, leaves, engine, isFree };
  const theirs = JSON.stringify({ ...model, microBatch, precision, leaves, compile });
  return {
    ours: [process.execPath, LEAF, JSON.stringify(request)],
    ...(!isFree && { theirs: [...peer, theirs] }),
  };
}

/** Waits until a side is compiled; one that is not in time is left out, for the sake of the other. */
async function prepare(
  name: string,
  process: LineProcess,
  { readySeconds, report }: DuelContext,
): Promise<Side | undefined> {
  const timer = setTimeout(() => process.end(), 1000 * readySeconds);
  try {
    const facts = await process.next();
    report({ side: name, ...facts });
    return { name, process, facts, replies: [] };
  } catch (error) {
    report({ side: name, failed: `not ready in ${readySeconds} s, or before: ${error}` });
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** What the rounds so far say: medians of images per second. */
function compare({ model }: Duel, sides: readonly Side[]) {
  const { ours, theirs } = Object.fromEntries(
    sides.map(({ name, replies }) => {
      return [name, median(replies.map(({ imagesPerSecond }) => Number(imagesPerSecond)))];
    }),
  );
  const peak = peakOf(String(sides[0]?.facts['device'] ?? ''));
  const operations = operationsOf(model);
  return {
    ...{ rounds: sides[0]?.replies.length, imagesPerSecond: { ours, theirs } },
    ...(ours && theirs && { ratio: ours / theirs }),
    ...(ours && { teraflops: (ours * operations) / 1e12 }),
    ...(ours && peak && { shareOfPeak: (ours * operations) / peak }),
    ...(theirs && peak && { theirShareOfPeak: (theirs * operations) / peak }),
    bytesPeak: Object.fromEntries(
      sides.map(({ name, replies }) => [name, replies.at(-1)?.['bytesPeak']]),
    ),
  };
}
