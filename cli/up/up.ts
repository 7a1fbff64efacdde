/** @file `tessera up`: the same line on every node. The first one coordinates and computes, the others compute. */
import { basename, extname } from 'node:path';
import { machineFacts, resolvedNodes } from '../../launch/up/machine.ts';
import { expandNodeList } from '../../launch/up/node-list.ts';
import { nodePlace } from '../../launch/up/nodes.ts';
import { joinFolderOf } from '../../launch/up/paths.ts';
import type { NodePlace } from '../../launch/up/place.ts';
import type { SettingFlags } from '../run/settings.ts';
import { say, warning } from '../terminal/output.ts';
import { runFirst } from './first.ts';
import { runOther } from './other.ts';

/** Flags of `up`. */
export interface UpOptions extends SettingFlags {
  readonly config: string;
  readonly nodes?: string;
  readonly nodeIndex?: number;
  readonly service?: string;
  readonly port?: number;
  readonly joinFolder?: string;
  /** Milliseconds. */
  readonly reconnect?: number;
  readonly runFolder?: string;
  /** Milliseconds. */
  readonly timeLimit?: number;
  readonly yes?: true;
  readonly insecure?: true;
  readonly page?: string | false;
  readonly json?: true;
  readonly verbose?: true;
}

/** A node that is started: its place, and the folders that all nodes name alike. */
export interface StartedNode {
  readonly place: NodePlace;
  /** Names and addresses of this machine. */
  readonly hosts: readonly string[];
  readonly runFolder: string;
  /** Undefined for plaintext, and for a node that is alone. */
  readonly joinFolder: string | undefined;
}

/** Runs this node to the end of the run; returns the exit code. Throws  what ended it badly. */
export async function runUp(options: UpOptions): Promise<number> {
  const node = await startedNode(options);
  for (const sentence of node.place.warnings) say(warning(sentence));
  return node.place.isFirst ? await runFirst(options, node) : await runOther(options, node);
}

async function startedNode(options: UpOptions): Promise<StartedNode> {
  const { nodeIndex, service, insecure } = options;
  const machine = await machineFacts();
  const nodes = options.nodes === undefined ? undefined : expandNodeList(options.nodes);
  // Names are looked up only where the user gives some.
  const resolved =
    nodes === undefined || nodeIndex !== undefined ? undefined : await resolvedNodes(nodes);
  const place = nodePlace({ ...machine, env: process.env, nodes, nodeIndex, service, resolved });
  const runFolder = options.runFolder ?? defaultRunFolder(options.config, place);
  return {
    place,
    hosts: [machine.hostname, ...machine.fullNames, ...machine.addresses],
    runFolder,
    joinFolder:
      insecure || place.first === undefined
        ? undefined
        : (options.joinFolder ?? joinFolderOf(runFolder)),
  };
}

/** The same each time that this job, or this config, is started. */
function defaultRunFolder(config: string, { job }: NodePlace): string {
  const name = basename(config, extname(config));
  return `runs/${job === undefined ? name : `${name}-${job}`}`;
}
