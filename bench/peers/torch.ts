/** @file Finds PyTorch, and compares sides that were measured by turns. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { median, rangeOf, ratiosOf } from '../figures/median.ts';

/** What a Python has. */
export interface Torch {
  readonly title: string;
  /** Undefined where the comparisons are skipped. */
  readonly version?: string;
}

/** Importing torch, torchvision and timm takes seconds, the first time more. */
const DEADLINE_MS = 180_000;
const ASK =
  'import torch, torchvision, timm; print(torch.__version__, torchvision.__version__, timm.__version__)';

/** Asks a Python for PyTorch; where it lacks something, the title says what is skipped and why. */
export async function findTorch(python: string): Promise<Torch> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', ASK], { timeout: DEADLINE_MS });
    const [version = '', vision, timm] = stdout.trim().split(' ');
    return { title: `torch ${version}, torchvision ${vision}, timm ${timm}`, version };
  } catch (error) {
    const reason = String(error).trim().split('\n').at(-1);
    return { title: `skipped, since ${python} lacks torch, torchvision or timm: ${reason}` };
  }
}

/** Medians of each side's rounds, and how ours compares with each other one, round by round. Units  images/s. */
export function compareSides(rounds: Readonly<Record<string, readonly number[]>>): object {
  const { ours = [], ...others } = rounds;
  const shown = Object.entries(rounds).map(([name, speeds]) => [name, round(median(speeds))]);
  const ratios = Object.entries(others).map(([name, speeds]) => {
    const each = ratiosOf(ours, speeds);
    return [name, `${median(each).toFixed(2)} (${rangeOf(each)})`];
  });
  return { imagesPerSecond: Object.fromEntries(shown), oursOver: Object.fromEntries(ratios) };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
