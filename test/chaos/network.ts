/**
 * @file A small real network: hosts in network namespaces on a bridge, whose cables can be cut and disturbed.
 *
 * Needs root. All of it is in namespaces of its own, the bridge too, and goes with them.
 */
import { execFileSync } from 'node:child_process';
import { TesseraProcess } from '../e2e/cluster.ts';

/** Traffic of a bad line. */
export interface Disturbance {
  readonly delayMs: number;
  readonly lossPercent: number;
  /** Width of the line. */
  readonly mbit: number;
}

let networks = 0;

/** Hosts 10.77.0.1 (the first), 10.77.0.2, and so on. */
export class Network {
  readonly #prefix: string;
  readonly #hosts: string[] = [];

  /** Makes the hosts. Throws  an Error with what `ip` said where that is not permitted. */
  constructor(hosts: readonly string[]) {
    networks += 1;
    this.#prefix = `tessera-${process.pid}-${networks}`;
    process.once('exit', this.#remove);
    try {
      run(`ip netns add ${this.#hub}`);
      run(`ip -n ${this.#hub} link add bridge0 type bridge`);
      run(`ip -n ${this.#hub} link set bridge0 up`);
      for (const host of hosts) this.#addHost(host);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Starts `tessera ARGS` on a host. */
  start(host: string, args: readonly string[]): TesseraProcess {
    const through = ['ip', 'netns', 'exec', this.#namespace(host)];
    return new TesseraProcess(args, { env: { PATH }, through });
  }

  /** The address of a host. */
  addressOf(host: string): string {
    return `10.77.0.${this.#hosts.indexOf(host) + 1}`;
  }

  /** Gives the connections of a host small buffers: what is sent waits in its process, not in the kernel. */
  narrow(host: string, bufferBytes: number): void {
    const sizes = `${bufferBytes} ${bufferBytes} ${bufferBytes}`;
    for (const direction of ['tcp_wmem', 'tcp_rmem']) {
      const write = `echo ${sizes} > /proc/sys/net/ipv4/${direction}`;
      run(`ip netns exec ${this.#namespace(host)} sh -c`, write);
    }
  }

  /** Pulls the cable of a host: both ends see no carrier. */
  cut(host: string): void {
    run(`ip -n ${this.#hub} link set ${port(host)} down`);
  }

  /** Plugs it in again. */
  mend(host: string): void {
    run(`ip -n ${this.#hub} link set ${port(host)} up`);
  }

  /** Drops every packet from and to a host: the link looks well, and nobody is told (no RST, no carrier loss). */
  silence(host: string): void {
    run(`bridge -n ${this.#hub} link set dev ${port(host)} state disabled`);
  }

  /** Lets packets through again. */
  unsilence(host: string): void {
    run(`bridge -n ${this.#hub} link set dev ${port(host)} state forwarding`);
  }

  /**
   * Delays and loses packets in both directions, from now on; answers by what means.
   *
   * A kernel without netem loses them by a random BPF filter, and delays them only by the width of the line.
   */
  disturb(host: string, { delayMs, lossPercent, mbit }: Disturbance): string {
    const ends = [
      { namespace: this.#hub, device: port(host) },
      { namespace: this.#namespace(host), device: DEVICE },
    ];
    const netem = `netem delay ${delayMs}ms loss ${lossPercent}% rate ${mbit}mbit`;
    try {
      for (const { namespace, device } of ends) {
        run(`tc -n ${namespace} qdisc replace dev ${device} root ${netem}`);
      }
      return netem;
    } catch {
      const narrow = `tbf rate ${mbit}mbit burst 2kb limit 1mb`;
      for (const { namespace, device } of ends) {
        run(`tc -n ${namespace} qdisc replace dev ${device} root ${narrow}`);
        run(`tc -n ${namespace} qdisc add dev ${device} clsact`);
        const filter = `tc -n ${namespace} filter add dev ${device} ingress bpf da bytecode`;
        run(filter, lossy(lossPercent));
      }
      return `${narrow}, bpf loss ${lossPercent}% (this kernel has no netem)`;
    }
  }

  /** Removes all of it. */
  close(): void {
    process.off('exit', this.#remove);
    this.#remove();
  }

  #addHost(host: string): void {
    this.#hosts.push(host);
    const namespace = this.#namespace(host);
    const hub = `ip -n ${this.#hub}`;
    run(`ip netns add ${namespace}`);
    run(`${hub} link add ${port(host)} type veth peer name ${DEVICE} netns ${namespace}`);
    run(`${hub} link set ${port(host)} master bridge0 up`);
    run(`ip -n ${namespace} address add ${this.addressOf(host)}/24 dev ${DEVICE}`);
    run(`ip -n ${namespace} link set lo up`);
    run(`ip -n ${namespace} link set ${DEVICE} up`);
  }

  readonly #remove = (): void => {
    for (const host of [...this.#hosts, 'hub']) {
      try {
        run(`ip netns delete ${this.#namespace(host)}`);
      } catch {
        // It was not made, or is gone.
      }
    }
  };

  get #hub(): string {
    return this.#namespace('hub');
  }

  #namespace(host: string): string {
    return `${this.#prefix}-${host}`;
  }
}

/** Why there can be no network here, undefined when there can. */
export function networkIsRefused(): string | undefined {
  try {
    new Network(['probe']).close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

const DEVICE = 'eth0';
/** `ip`, `tc` and `bridge` are not always where a user's programs are. */
const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;

function port(host: string): string {
  return `to-${host}`;
}

/** Classic BPF: a random word below the threshold is passed (0, OK), any other dropped (2, SHOT). */
function lossy(percent: number): string {
  const threshold = Math.floor((1 - percent / 100) * 0xffff_ffff);
  const randomWord = 0x1_0000_0000 - 0x1000 + 56;
  return `4,32 0 0 ${randomWord},53 1 0 ${threshold},6 0 0 0,6 0 0 2`;
}

/** Runs a command given as words, and perhaps one more argument that has spaces. */
function run(words: string, ...last: readonly string[]): void {
  const [command = '', ...args] = words.split(' ');
  execFileSync(command, [...args, ...last], {
    env: { PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10_000,
  });
}
