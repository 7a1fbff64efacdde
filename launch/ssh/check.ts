/** @file The check before a launch: all hosts at once, each with the right versions, or nothing begins. */
import { mapAtMost } from '../../shared/core/concurrency.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { someOf } from '../../shared/core/text.ts';
import type { HostConnection } from './connection.ts';
import { codeOfAll } from './failures.ts';
import type { Host } from './hosts.ts';
import type { Ready } from './protocol.ts';

/** A host that waits for its job. */
export interface CheckedHost {
  readonly ready: Ready;
  readonly connection: HostConnection;
}

/** What a check has found of a host. */
export type Verdict =
  | ({ readonly host: Host } & CheckedHost)
  | { readonly host: Host; readonly error: TesseraError };

/** Processes of ssh that are connecting at once: a jump host admits few (MaxStartups of sshd). */
const AT_ONCE = 32;

/**
 * Connects to all hosts; `onVerdict` gets what was found of each as it comes.
 *
 * Throws  an error that names the hosts which cannot take part; then no connection is left.
 */
export async function checkHosts(
  hosts: readonly Host[],
  connect: (host: Host) => HostConnection,
  onVerdict: (verdict: Verdict) => void,
): Promise<ReadonlyMap<string, CheckedHost>> {
  const open = new Map<string, CheckedHost>();
  const errors = new Map<string, TesseraError>();
  await mapAtMost(AT_ONCE, hosts, async (host) => {
    try {
      const connection = connect(host);
      const ready = await connection.ready;
      open.set(host.name, { connection, ready });
      onVerdict({ host, ready, connection });
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      errors.set(host.name, error);
      onVerdict({ host, error });
    }
  });
  // In the order of the hosts, not of their replies.
  const inOrder = hosts.map(({ name }) => [name, open.get(name) as CheckedHost] as const);
  if (errors.size === 0) return new Map(inOrder);
  for (const { connection } of open.values()) connection.close();
  const names = hosts.map(({ name }) => name).filter((name) => errors.has(name));
  const only = names.length === 1 ? errors.get(names[0] ?? '') : undefined;
  const why = only === undefined ? '' : ` (${only.sentence})`;
  const hint = only === undefined ? 'the lines above say why, of each' : only.hint;
  throw new TesseraError(
    codeOfAll([...errors.values()]),
    `${names.length} of ${hosts.length} hosts cannot take part: ${someOf(names)}${why}`,
    hint === undefined ? {} : { hint },
  );
}
