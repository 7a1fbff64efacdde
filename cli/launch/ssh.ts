/** @file `tessera launch ssh`: a coordinator in this process, and workers on hosts that ssh reaches. */
import { stat } from 'node:fs/promises';
import { listenHost, namesOf, type Ways } from '../../launch/ssh/addresses.ts';
import { type CheckedHost, checkHosts, type Verdict } from '../../launch/ssh/check.ts';
import { hostArgs, remoteCommand, sshWords } from '../../launch/ssh/command-lines.ts';
import { HostConnection } from '../../launch/ssh/connection.ts';
import { launchCredentials } from '../../launch/ssh/credentials.ts';
import { sshFleet } from '../../launch/ssh/fleet.ts';
import { type Host, hostsOfFile, hostsOfList, isThisMachine } from '../../launch/ssh/hosts.ts';
import { machineFacts } from '../../launch/up/machine.ts';
import type { WorkerCount } from '../../shared/config/settings.ts';
import { addressWith, isLoopback } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import { NODE_RANGE, VERSION } from '../../shared/machine/version.ts';
import { driveRun, type RunOptions } from '../run/run.ts';
import { commandLine, pathWord } from '../terminal/command-text.ts';
import { hint, paint, pointer, say } from '../terminal/output.ts';

/** Flags of `launch ssh`. */
export interface LaunchSshOptions extends Omit<RunOptions, 'workers' | 'devices' | 'listen'> {
  readonly hosts: string;
  readonly workers?: WorkerCount;
  readonly devices?: readonly number[];
  readonly install?: true;
  /** Of npm. */
  readonly package?: string;
  readonly remoteTessera?: string;
  readonly ssh: string;
  readonly address?: string;
  readonly port?: number;
}

/** A host that is not ready by then is missing; npm may fetch from a slow registry. */
const READY_MS = 90_000;
const INSTALL_MS = 20 * 60_000;
/** The package on a registry. */
const PACKAGE = 'tessera-train';

/** Trains on the hosts to the end of the run. Throws  what ended it badly, or what keeps a host from taking part. */
export async function runLaunchSsh(options: LaunchSshOptions): Promise<void> {
  refusePageElsewhere(options.page);
  const hosts = await readHosts(options.hosts);
  let show = say;
  const connect = connector(options, ({ name }, line) =>
    show(`${paint('dim', `[${name}]`)} ${line}`),
  );
  const checked = await checkHosts(hosts, connect, (verdict) => verdictLines(verdict).forEach(say));
  const connections = [...checked.values()].map(({ connection }) => connection);
  try {
    const ways: Ways = {
      named: options.address,
      own: (await machineFacts()).addresses,
      seen: connections.map(({ seenFrom }) => seenFrom),
    };
    await runWith(options, { checked, ways }, (line) => {
      show = line;
      return (name) => connect(hosts.find((host) => host.name === name) as Host);
    });
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Runs the coordinator, with credentials that end with it. `shown` takes what shows a line, and gives what connects again. */
async function runWith(
  options: LaunchSshOptions,
  { checked, ways }: { readonly checked: ReadonlyMap<string, CheckedHost>; readonly ways: Ways },
  shown: (line: (text: string) => void) => (name: string) => HostConnection,
): Promise<void> {
  const { workers: _workers, devices: _devices, verbose = false, ...run } = options;
  const { certs, authority, remove } = await launchCredentials(namesOf(ways));
  const listen = addressWith(listenHost(ways), options.port ?? 0);
  try {
    await driveRun(
      { ...run, ...(verbose && { verbose }), certs, listen },
      {
        command: 'launch ssh',
        fleet: (line) => sshFleet(checked, { ways, authority, verbose, connect: shown(line) }),
        banner: () => [pointer('hosts', [...checked.keys()].join(', ')), ''],
        again: ({ runFolder }) => againLine(options, runFolder),
      },
    );
  } finally {
    await remove();
  }
}

/** Credentials end with this command, so no viewer elsewhere could show any. Throws  USAGE. */
function refusePageElsewhere(page: RunOptions['page']): void {
  if (page === undefined || page === false || isLoopback(page)) return;
  throw new TesseraError('USAGE', `the page of launch ssh is for this machine alone, not ${page}`, {
    hint: 'take --page 127.0.0.1:8080, and from elsewhere: ssh -L 8080:127.0.0.1:8080 THIS-MACHINE',
  });
}

/** The hosts of a file, or of a list. Throws  USAGE. */
async function readHosts(named: string): Promise<readonly Host[]> {
  const found = await stat(named).catch(() => undefined);
  if (found === undefined && !named.includes('/')) return hostsOfList(named);
  return hostsOfFile(await readTextFile(named), named);
}

/** What connects to a host; `print` gets the lines of those that are ready. Throws  USAGE for odd flags. */
function connector(
  options: LaunchSshOptions,
  print: (host: Host, line: string) => void,
): (host: Host) => HostConnection {
  const { ssh, install, remoteTessera, workers, devices } = options;
  const command = {
    ...{ version: VERSION, remote: remoteTessera, devices: devices?.join(',') },
    install: install && (options.package ?? `${PACKAGE}@${VERSION}`),
    workers: countText(workers) ?? 'auto',
  };
  const program = ssh.split(/\s+/).filter((word) => word !== '');
  const here = [process.execPath, process.argv[1] ?? ''];
  return (host) =>
    new HostConnection({
      host,
      words: isThisMachine(host)
        ? [...here, ...hostArgs(command, host)]
        : sshWords(program, host, remoteCommand(command, host)),
      wanted: { version: VERSION, nodes: NODE_RANGE },
      readyMs: install === undefined ? READY_MS : INSTALL_MS,
      print: (line) => print(host, line),
    });
}

/** What was found of a host: one line, and what to do where it cannot take part. */
function verdictLines(verdict: Verdict): string[] {
  const { name } = verdict.host;
  if ('error' in verdict) {
    const { sentence, hint: way } = verdict.error;
    const line = `${paint('red', '✖')} ${name}: ${sentence}`;
    return way === undefined ? [line] : [line, hint(way)];
  }
  const { node, workers } = verdict.ready;
  const other = node === process.version ? '' : ` (here ${process.version})`;
  const count = `${workers} worker${workers === 1 ? '' : 's'}`;
  return [`${paint('green', '✔')} ${name}: ${count}, tessera ${VERSION}, Node ${node}${other}`];
}

/** What to type to continue the run on the same hosts. */
function againLine(options: LaunchSshOptions, runFolder: string): string {
  const { hosts, workers, devices, remoteTessera, ssh, address, port, install } = options;
  const flags = {
    '--hosts': hosts,
    '--workers': countText(workers),
    '--devices': devices?.join(','),
    '--remote-tessera': remoteTessera,
    '--ssh': ssh === 'ssh' ? undefined : ssh,
    ...{ '--address': address, '--port': port, '--package': options.package },
  };
  return commandLine([
    ...['launch', 'ssh'],
    ...Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined ? [] : [flag, String(value)],
    ),
    ...(install ? ['--install'] : []),
    ...['--resume', pathWord(runFolder)],
  ]);
}

/** `--workers` as it is typed. */
function countText(workers: WorkerCount | undefined): string | undefined {
  return typeof workers === 'object' ? `${workers.min}:${workers.max}` : workers?.toString();
}
