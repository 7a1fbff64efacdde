/** @file Variables of the environment: each flag has one. What they are called, and which say nothing. Pure. */
import { nearest } from '../../shared/core/nearest.ts';

/** What all variables of Tessera begin with. */
const PREFIX = 'TESSERA_';

/** Variables that are not of a flag, and what reads them. */
const OTHERS: readonly string[] = [
  // The folder of added engines: shared/compute/engines/installed.ts.
  'TESSERA_ENGINES',
  // Plugins of untested versions: shared/compute/engines/xla.ts.
  'TESSERA_XLA_ANY_VERSION',
  // From a launcher to its workers: worker/parent.
  'TESSERA_EARLIER_END',
  'TESSERA_LAST_ERROR_FD',
];

/** The variable of a flag: `TESSERA_RUN_FOLDER` of `--run-folder`. */
export function variableOf(flag: string): string {
  return PREFIX + flag.replaceAll('-', '_').toUpperCase();
}

/** The value of a switch such as `--insecure`, whose variable says yes or no; undefined for any other text. */
export function switchValue(text: string): boolean | undefined {
  if (/^(?:1|true|yes|on)$/i.test(text)) return true;
  return /^(?:0|false|no|off)$/i.test(text) ? false : undefined;
}

/** Whether a variable is one that Kubernetes makes for a Service whose name begins with `tessera`. */
function isServiceLink(name: string, value: string): boolean {
  if (/_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)$/.test(name))
    return true;
  return /_PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value);
}

/** The value of a flag's variable; undefined where there is none, it is empty, or it is not meant for us. */
export function valueIn(env: Readonly<NodeJS.ProcessEnv>, flag: string): string | undefined {
  const name = variableOf(flag);
  const value = env[name] ?? '';
  return value === '' || isServiceLink(name, value) ? undefined : value;
}

/** Variables that seem to be meant for us and that nothing reads: a sentence each. `flags` are all there are. */
export function strayVariables(
  env: Readonly<NodeJS.ProcessEnv>,
  flags: readonly string[],
): readonly string[] {
  const known = new Set([...flags.map(variableOf), ...OTHERS]);
  const strays = Object.entries(env).filter(
    ([name, value = '']) =>
      name.startsWith(PREFIX) && !known.has(name) && !isServiceLink(name, value),
  );
  return strays.map(([name]) => {
    const near = nearest(name, [...known]);
    const meant = near === undefined ? '' : `; is ${near} meant?`;
    return `the variable ${name} means nothing to tessera${meant}`;
  });
}
