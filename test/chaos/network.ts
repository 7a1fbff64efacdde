/**
 * @file A small real network: hosts in network namespaces on a bridge, whose cables can be cut and disturbed.
 *
 * Needs root. All of it is in namespaces of its own, the bridge too, and goes with them.
 */
import { TesseraProcess, WatchedProcess } from '../support/cluster.ts';
import { type BadLine, badLine, type Disturbance } from './bad-line.ts';
import { PATH, run } from './commands.ts';

let networks = 0;

/** Hosts 10.77.0.1 (the first), 10.77.0.2, and so on. */
export class Network {
  readonly #prefix: string;
  readonly #hosts: string[] = [];
  readonly #addresses = new Map<string, string>();
  #given = 0;
  readonly #badLines: BadLine[] = [];

  /** Makes the hosts. Throws  an Error with what `ip` said where that is not permitted. */
  constructor(hosts: readonly string[]) {
    networks += 1;
    this.#prefix = `tessera-${process.pid}-${networks}`;
    process.once('exit', this.#remove);
    try {
      run(`ip netns add ${this.#hub}`);
      run(`ip -n ${this.#hub} link add ${BRIDGE} type bridge`);
      run(`ip -n ${this.#hub} link set ${BRIDGE} up`);
      for (const host of hosts) this.#addHost(host);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Starts `tessera ARGS` on a host. */
  start(host: string, args: readonly string[]): TesseraProcess {
    return new TesseraProcess(args, { env: { PATH }, through: this.through(host) });
  }

  /** The words before a command that is to run on a host. */
  through(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(host)];
  }

  /** Starts another program on a host. */
  startProgram(host: string, words: readonly string[]): WatchedProcess {
    return new WatchedProcess([...this.through(host), ...words], { env: { PATH } });
  }

  /** Process ids of all that runs on a host, in order. */
  pidsOf(host: string): number[] {
    const text = run(`ip netns pids ${this.#namespace(host)}`);
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  }

  /** The address of a host. */
  addressOf(host: string): string {
    return this.#addresses.get(host) ?? '';
  }

  /** Gives a host the next address in place of its own. */
  readdress(host: string): void {
    run(`ip -n ${this.#namespace(host)} address flush dev ${DEVICE}`);
    this.#address(host);
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

  /** Packets larger than `bytes` vanish on the way to and from a host, and no ICMP says so. */
  narrowLink(host: string, bytes: number): void {
    run(`ip -n ${this.#hub} link set dev ${port(host)} mtu ${bytes}`);
    // Several packets in one buffer would pass a check of sizes.
    for (const each of this.#hosts) {
      run(`ip -n ${this.#namespace(each)} link set dev ${DEVICE} gso_max_segs 1`);
    }
  }

  /** A firewall of a host drops what comes to a port, from all hosts or from one. */
  drop(host: string, tcpPort: number, from?: string): void {
    const source = from === undefined ? '' : ` -s ${this.addressOf(from)}`;
    const rule = `INPUT -p tcp${source} --dport ${tcpPort} -j DROP`;
    run(`ip netns exec ${this.#namespace(host)} iptables -A ${rule}`);
  }

  /** Delays and loses packets in both directions, from now on. */
  async disturb(host: string, disturbance: Disturbance): Promise<BadLine> {
    const line = await badLine(
      {
        hub: this.#hub,
        bridge: BRIDGE,
        port: port(host),
        host: this.#namespace(host),
        device: DEVICE,
      },
      disturbance,
    );
    this.#badLines.push(line);
    return line;
  }

  /** The shortest round trip that a connection of a host has seen, as its kernel counts; Infinity without any. */
  shortestRoundTripMs(host: string): number {
    const connections = run(`ip netns exec ${this.#namespace(host)} ss -Htin`);
    return Math.min(...[...connections.matchAll(/minrtt:([\d.]+)/g)].map(([, ms]) => Number(ms)));
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
    run(`${hub} link set ${port(host)} master ${BRIDGE} up`);
    this.#address(host);
    run(`ip -n ${namespace} link set lo up`);
    run(`ip -n ${namespace} link set ${DEVICE} up`);
  }

  #address(host: string): void {
    this.#given += 1;
    this.#addresses.set(host, `10.77.0.${this.#given}`);
    run(`ip -n ${this.#namespace(host)} address add ${this.addressOf(host)}/24 dev ${DEVICE}`);
  }

  readonly #remove = (): void => {
    for (const line of this.#badLines) line.kill();
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

  /** The words before a program that runs on a host; they become it. */
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
const BRIDGE = 'bridge0';

function port(host: string): string {
  return `to-${host}`;
}
