/** @file Makes the line of a host bad by the best means there is: netem; a relay that delays; a narrow line that only loses. */
import { join } from 'node:path';
import { WatchedProcess } from '../support/cluster.ts';
import { PATH, run } from './commands.ts';

/** What is wrong with a line, in each direction. */
export interface Disturbance {
  readonly delayMs: number;
  readonly lossPercent: number;
  /** Width of the line. */
  readonly mbit: number;
}

/** The cable between a host and the hub. */
export interface Cable {
  /** Namespace of the hub, its bridge, and the port that the host is plugged into. */
  readonly hub: string;
  readonly bridge: string;
  readonly port: string;
  /** Namespace of the host, and its device. */
  readonly host: string;
  readonly device: string;
}

/** Packets that came through and that did not, both directions together. */
interface Traffic {
  readonly passed: number;
  readonly lost: number;
}

/** A line while it is bad. */
export interface BadLine {
  /** What was done to it, and with what. */
  readonly means: string;
  /** Each packet is as late as was asked for, at least. */
  readonly delays: boolean;
  /** Makes it good again; answers what came of the packets. */
  calm(): Promise<Traffic>;
  /** Ends at once what runs for it. */
  kill(): void;
}

const RELAY = join(import.meta.dirname, 'bad-line.py');

/** Delays and loses the packets of a host in both directions, from now on. */
export async function badLine(cable: Cable, disturbance: Disturbance): Promise<BadLine> {
  let refusals = '';
  for (const make of [netem, relay]) {
    try {
      const line = await make(cable, disturbance);
      return { ...line, means: line.means + refusals };
    } catch (error) {
      const [why = ''] = String(error).trim().split('\n').slice(-1);
      refusals += `; no ${make.name}: ${why}`;
    }
  }
  const line = narrow(cable, disturbance);
  return { ...line, means: line.means + refusals };
}

/** The kernel's own. */
function netem(cable: Cable, { delayMs, lossPercent, mbit }: Disturbance): BadLine {
  const means = `netem delay ${delayMs}ms loss ${lossPercent}% rate ${mbit}mbit`;
  for (const end of endsOf(cable)) run(`tc ${end.of} qdisc replace ${end.device} root ${means}`);
  return { means, delays: true, calm: async () => calmed(cable), kill: () => {} };
}

/** Takes the host off the bridge of the hub, to one of its own; a process carries frames between the two. */
async function relay(cable: Cable, { delayMs, lossPercent, mbit }: Disturbance): Promise<BadLine> {
  const { hub, bridge, port } = cable;
  const [here, there, apart] = [`${port}-in`, `${port}-out`, `${port}-apart`];
  const python = ['ip', 'netns', 'exec', hub, 'python3', RELAY, here, there];
  const settings = [delayMs, lossPercent, mbit].map(String);
  const process = new WatchedProcess([...python, ...settings, port], {
    env: { PATH },
    stdin: 'pipe',
  });
  const link = `ip -n ${hub} link`;
  try {
    await process.printed(/^ready$/m);
    run(`${link} add ${apart} type bridge`);
    run(`${link} set ${apart} up`);
    run(`${link} set ${here} master ${bridge} up`);
    for (const device of [there, port]) run(`${link} set ${device} master ${apart} up`);
  } catch (error) {
    process.kill();
    throw error;
  }
  const calm = async () => {
    run(`${link} set ${port} master ${bridge}`);
    run(`${link} delete ${apart}`);
    process.child.stdin?.end();
    const { stdout, stderr } = await process.ended;
    const counts = /\{.*\}/.exec(stdout)?.[0];
    if (counts === undefined) throw new Error(`the relay of ${port} ended early:\n${stderr}`);
    const { passed, lost, overflowed } = JSON.parse(counts) as Traffic & { overflowed: number };
    return { passed, lost: lost + overflowed };
  };
  const means = `relay delay ${delayMs}ms loss ${lossPercent}% rate ${mbit}mbit`;
  return { means, delays: true, calm, kill: () => process.kill() };
}

/** Delays only by the width of the line, and loses by a random BPF filter. */
function narrow(cable: Cable, { lossPercent, mbit }: Disturbance): BadLine {
  const width = `tbf rate ${mbit}mbit burst 2kb limit 1mb`;
  for (const { of, device } of endsOf(cable)) {
    run(`tc ${of} qdisc replace ${device} root ${width}`);
    run(`tc ${of} qdisc add ${device} clsact`);
    run(`tc ${of} filter add ${device} ingress bpf da bytecode`, lossy(lossPercent));
  }
  const means = `${width}, bpf loss ${lossPercent}%`;
  return { means, delays: false, calm: async () => calmed(cable), kill: () => {} };
}

/** Removes what `tc` was told; answers what it has counted. */
function calmed(cable: Cable): Traffic {
  const total = { passed: 0, lost: 0 };
  for (const { of, device } of endsOf(cable)) {
    const counts = run(`tc -s -j ${of} qdisc show ${device}`);
    for (const { root, packets, drops } of JSON.parse(counts) as Queue[]) {
      total.passed += root === true ? packets : 0;
      total.lost += drops;
    }
    run(`tc ${of} qdisc delete ${device} root`);
    if (counts.includes('clsact')) run(`tc ${of} qdisc delete ${device} clsact`);
  }
  return total;
}

/** What `tc` says of a queue; one that is the root carries what a device sends. */
interface Queue {
  readonly root?: boolean;
  readonly packets: number;
  readonly drops: number;
}

/** Both ends of a cable, as `tc` names them. */
function endsOf({ hub, port, host, device }: Cable) {
  return [
    { of: `-n ${hub}`, device: `dev ${port}` },
    { of: `-n ${host}`, device: `dev ${device}` },
  ];
}

/** Classic BPF: a random word below the threshold is passed (0, OK), any other dropped (2, SHOT). */
function lossy(percent: number): string {
  const threshold = Math.floor((1 - percent / 100) * 0xffff_ffff);
  const randomWord = 0x1_0000_0000 - 0x1000 + 56;
  return `4,32 0 0 ${randomWord},53 1 0 ${threshold},6 0 0 0,6 0 0 2`;
}
