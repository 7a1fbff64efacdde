/** @file What was found on the way to a coordinator, as text: a line for each check. Pure. */
import { ROUND_TRIPS, type StepEstimate } from '../../tools/estimate/step.ts';
import type { Check, CheckName } from '../../tools/reach/way.ts';
import { hint, paint } from '../terminal/output.ts';

const TITLES: Readonly<Record<CheckName, string>> = {
  credentials: 'credentials',
  name: 'name',
  tcp: 'TCP',
  packets: 'packets',
  tls: 'TLS',
  authority: 'authority',
  role: 'role',
  version: 'version',
  roundTrip: 'round trip',
  bandwidth: 'bandwidth',
  step: 'step',
};

/** How a check begins. */
function signOf(outcome: Check['outcome']): string {
  const { stdout } = process;
  if (outcome === 'passed') return paint('green', '✔', stdout);
  if (outcome === 'failed') return paint('red', '✖', stdout);
  return outcome === 'unknown' ? paint('yellow', '?', stdout) : paint('dim', '-', stdout);
}

/** A check, and below it what to do. */
export function checkLines({ check, outcome, text, hint: remedy }: Check): readonly string[] {
  const line = `${signOf(outcome)} ${TITLES[check].padEnd(11)}  ${text}`;
  return remedy === undefined ? [line] : [line, hint(remedy, process.stdout)];
}

/** What the network takes of a step. Units  seconds. */
export interface StepShare {
  readonly network: number;
  readonly total: number;
  /** network / total. */
  readonly share: number;
}

/** The time on the network in a step of one worker: both transfers, and the round trips. */
export function shareOf({ pull, push, total }: StepEstimate, roundTrip: number): StepShare {
  const network = pull + push + ROUND_TRIPS * roundTrip;
  return { network, total, share: network / total };
}

/** `12 % of a step of quickstart: 3.1 of 26 ms, with one worker of this kind`. */
export function shareText({ network, total, share }: StepShare, config: string): string {
  const ms = (seconds: number) => Number((1000 * seconds).toPrecision(3)).toLocaleString('en-US');
  return `the network takes ${Math.round(100 * share)} % of a step of ${config}: ${ms(network)} of ${ms(total)} ms, with one worker`;
}
