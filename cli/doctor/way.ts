/** @file `tessera doctor HOST:PORT`: what works on the way to a coordinator, and what that means for a step. */
import { type Check, checkWay, type WayNumbers } from '../../tools/reach/way.ts';
import { type ClientSecurityFlags, clientConnection } from '../connect/credentials.ts';
import { estimateOf } from '../estimate/estimate.ts';
import { print, printJson } from '../terminal/output.ts';
import { checkLines, type StepShare, shareOf, shareText } from './way-view.ts';

/** Flags of `doctor` with an address. */
export interface WayOptions extends ClientSecurityFlags {
  readonly address: string;
  readonly role?: 'worker' | 'operator';
  readonly config?: string;
  readonly set?: string[];
  readonly device?: string;
  readonly classes?: number;
  readonly samples?: number;
  readonly json?: true;
}

/** What does not work, as `tessera help exit-codes` has it. */
const DOES_NOT_WORK = 1;

/** Checks the way; returns the exit code. Throws  USAGE when the address is not one. */
export async function runWayDoctor(options: WayOptions): Promise<number> {
  const { address, config, json } = options;
  const checks: Check[] = [];
  let share: StepShare | undefined;
  const { works, numbers } = await checkWay({
    address,
    credentials: async () => (await clientConnection(options)).security,
    insecure: options.insecure ?? false,
    role: options.role,
    step:
      config === undefined
        ? undefined
        : async (measured) => {
            share = await stepShare({ ...options, config }, measured);
            return shareText(share, config);
          },
    onCheck: (check) => {
      checks.push(check);
      if (!json) print(checkLines(check));
    },
  });
  if (json) {
    const { roundTrip, bandwidth } = numbers;
    const measured = { roundTripSeconds: roundTrip, bytesPerSecond: bandwidth, step: share };
    printJson({ schema: 'doctor-address/1', address, works, checks, ...measured });
  }
  return works ? 0 : DOES_NOT_WORK;
}

/** The part of a step of one worker of the kind that is here. Throws  what the estimate does. */
async function stepShare(
  { config, set, device, classes, samples }: WayOptions & { readonly config: string },
  { roundTrip, bandwidth: { there, back } }: Required<WayNumbers>,
): Promise<StepShare> {
  const { step } = await estimateOf({
    ...{ config, workers: 1, latency: 1000 * roundTrip },
    // Parameters and gradients take the time of both directions.
    bandwidth: 2 / (1 / there + 1 / back),
    ...(set && { set }),
    ...(device && { device }),
    ...(classes && { classes }),
    ...(samples && { samples }),
  });
  return shareOf(step, roundTrip);
}
