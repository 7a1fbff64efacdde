/**
 * @file `npm run bench`: every figure that the README claims, measured in one run on this machine.
 *
 * Ratios are between numbers of the same run; no absolute time ever fails a bench.
 */

import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { formatBytes } from '../shared/core/units.ts';
import { benchAbuse } from './abuse.ts';
import { benchAot } from './aot/aot.ts';
import { benchChecksums } from './checksums.ts';
import { benchCluster, benchScaling } from './cluster.ts';
import { benchExchange } from './exchange.ts';
import { benchImbalance } from './first-hour/imbalance.ts';
import { benchServe } from './first-hour/serve.ts';
import { benchEstimate } from './growth/estimate.ts';
import { benchGrowth } from './growth/growth.ts';
import { benchHandout } from './handout.ts';
import { benchHelp } from './help.ts';
import { benchObservers } from './observers.ts';
import { benchOptimizer } from './optimizer.ts';
import { benchPage } from './page.ts';
import { benchPeers, PEERS } from './peers.ts';
import { benchPrecision, benchRounding } from './precision.ts';
import { benchSafety } from './safety.ts';
import { benchSpinning } from './spinning.ts';
import { benchStep } from './step.ts';
import { benchXlaMemory } from './xla-memory.ts';

/** Measures; `python` is where PyTorch is, for those that compare with it. */
type Bench = (python: string) => Promise<object>;

/** The benches by name; `--only` picks some. */
const BENCHES: Readonly<Record<string, Bench>> = {
  help: benchHelp,
  exchange: benchExchange,
  step: benchStep,
  checksums: benchChecksums,
  spinning: benchSpinning,
  cluster: benchCluster,
  safety: benchSafety,
  abuse: benchAbuse,
  'xla-memory': benchXlaMemory,
};

/** Those that need an engine that is not on every machine, or an hour: only by name. */
const ONLY_BY_NAME: Readonly<Record<string, Bench>> = {
  aot: benchAot,
  estimate: () => benchEstimate(),
  growth: benchGrowth,
  handout: benchHandout,
  imbalance: () => benchImbalance(),
  input: (python) => benchPeers(['input'], python),
  observers: benchObservers,
  optimizer: benchOptimizer,
  precision: benchPrecision,
  rounding: benchRounding,
  scaling: benchScaling,
  serve: benchServe,
  page: benchPage,
  peers: (python) => benchPeers(PEERS, python),
  ...Object.fromEntries(
    PEERS.map((name) => [`peers-${name}`, (python: string) => benchPeers([name], python)]),
  ),
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      only: { type: 'string', multiple: true },
      python: { type: 'string', default: 'python3' },
    },
  });
  const names = values.only ?? Object.keys(BENCHES);
  const results: Record<string, object> = {};
  for (const name of names) {
    const bench = BENCHES[name] ?? ONLY_BY_NAME[name];
    if (bench === undefined) {
      const known = Object.keys({ ...BENCHES, ...ONLY_BY_NAME });
      throw new Error(`no bench "${name}"; there are ${known.join(', ')}`);
    }
    console.error(`${name} ...`);
    results[name] = await bench(values.python);
    if (!values.json) print(name, results[name]);
  }
  if (values.json) {
    console.log(JSON.stringify({ schema: 'bench/1', machine: machine(), ...results }, null, 2));
  }
}

function machine(): object {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memory: formatBytes(totalmem()),
    node: process.version,
  };
}

function print(name: string, result: object): void {
  console.log(name);
  for (const [key, value] of Object.entries(result)) {
    console.log(`  ${key.padEnd(28)} ${shownOf(value)}`);
  }
}

function shownOf(value: unknown): unknown {
  if (typeof value === 'number') return Number(value.toPrecision(4));
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, part]) => `${key} ${shownOf(part)}`)
    .join(', ');
}

await main();
