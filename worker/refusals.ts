/** @file What the errors of a coordinator, or of the line to it, mean for a worker. */

/** Refusals that pass: somebody leaves, or a minute goes by. */
export const NO_PLACE_CODES: ReadonlySet<string | undefined> = new Set([
  'RUN_FULL',
  'RATE_LIMITED',
]);

/** What to do about the end of a worker, by its code. */
export const HINTS: Partial<Record<string, string>> = {
  COORDINATOR_UNREACHABLE:
    'start the coordinator, or check the address, the firewall, and whether it asks for --certs',
  ACCESS_DENIED:
    'give --certs FOLDER with a worker certificate of this cluster, or --ca and --token-file',
  RUN_FULL: 'raise limits.workersMax of the run, or start this worker when another has left',
  RATE_LIMITED:
    'look into the logs for why workers of this address come and go, or raise limits.joinsPerMinute of the run',
  PROTOCOL_MISMATCH: 'install the same version of tessera on both machines',
};
