/** @file The way to a coordinator, checked from the name to the bandwidth: the first thing that does not work ends it. */
import { PROTOCOL_VERSION } from '../../shared/contract/messages.ts';
import { checkAddress, hostOf } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { refusePlaintextAbroad } from '../../shared/exchange/grpc/channel.ts';
import type { ClientSecurity } from '../../shared/exchange/grpc/credentials.ts';
import { fetchStatus } from '../../shared/exchange/grpc/operator.ts';
import { connectByTcp, resolveHost, shakeHands } from '../../shared/exchange/probe/connection.ts';
import { lookAtPackets } from '../../shared/exchange/probe/packets.ts';
import { probeAddress } from '../../shared/exchange/probe/probe.ts';
import { errorFor } from '../../shared/exchange/probe/unclear.ts';
import { type Bandwidth, type Other, Way } from './measure.ts';
import { notPassing, otherVersion, refuseRole, roleText, versionText } from './words.ts';

/** The checks in their order. */
const CHECKS = [
  'credentials',
  'name',
  'tcp',
  'packets',
  'tls',
  'authority',
  'role',
  'version',
  'roundTrip',
  'bandwidth',
  'step',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** What came of a check. */
export interface Check {
  readonly check: CheckName;
  /** skipped: something before it does not work, or it was not asked for; unknown: it could not be found out. */
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'unknown';
  readonly text: string;
  readonly hint?: string | undefined;
  readonly code?: string;
}

/** Numbers of a way. Units  seconds, bytes a second. */
export interface WayNumbers {
  readonly roundTrip?: number;
  readonly bandwidth?: Bandwidth;
}

/** What is to be checked. */
export interface WayPlan {
  readonly address: string;
  /** Reads the credentials; undefined for plaintext. Throws  ACCESS_DENIED, USAGE. */
  readonly credentials: () => Promise<ClientSecurity | undefined>;
  readonly insecure: boolean;
  /** The role that the credential has to have; undefined for any. */
  readonly role: Other['role'] | undefined;
  /** What the way means for a step; undefined where no config is given. */
  readonly step: ((numbers: Required<WayNumbers>) => Promise<string>) | undefined;
  readonly onCheck: (check: Check) => void;
}

const STATUS_MS = 5000;
/** Longer than a call that has failed takes: this is the answer that was asked for. */
const LOOK_MS = 5000;

/** Checks a way; returns whether all of it works, and its numbers. Throws  USAGE when the address is not one. */
export async function checkWay(
  plan: WayPlan,
): Promise<{ readonly works: boolean; readonly numbers: WayNumbers }> {
  checkAddress(plan.address);
  const checks = new WayChecks(plan);
  let failed: CheckName | undefined;
  for (const check of CHECKS) {
    if (failed !== undefined) {
      plan.onCheck({ check, outcome: 'skipped', text: 'not checked' });
      continue;
    }
    try {
      plan.onCheck({ check, outcome: 'passed', ...(await checks[check]()) });
    } catch (thrown) {
      const { sentence: text, hint, code } = TesseraError.from(thrown);
      plan.onCheck({ check, outcome: 'failed', text, hint, code });
      failed = check;
    }
  }
  checks.close();
  return { works: failed === undefined, numbers: checks.numbers };
}

type Finding = Pick<Check, 'text'> & Partial<Pick<Check, 'outcome' | 'hint'>>;

/** Each check, with what the ones before it have found. */
class WayChecks implements Record<CheckName, () => Promise<Finding>> {
  numbers: WayNumbers = {};
  readonly #plan: WayPlan;
  #security: ClientSecurity | undefined;
  #fault: TesseraError | undefined;
  #authority = '';
  #way: Way | undefined;
  #other: Other | undefined;

  constructor(plan: WayPlan) {
    this.#plan = plan;
  }

  async credentials(): Promise<Finding> {
    this.#security = await this.#plan.credentials();
    if (this.#security === undefined) return { outcome: 'skipped', text: 'none: plaintext' };
    const { tls, token } = this.#security;
    const parts = [tls.current.identity && 'a certificate', token && 'a token'].filter(Boolean);
    return { text: parts.length === 0 ? 'none to show' : parts.join(' and ') };
  }

  async name(): Promise<Finding> {
    const host = hostOf(this.#plan.address);
    const addresses = await resolveHost(host);
    const isAddress = addresses.includes(host);
    return { text: isAddress ? `${host} is an address` : `${host} is ${addresses.join(', ')}` };
  }

  async tcp(): Promise<Finding> {
    return { text: `connected in ${milliseconds(await connectByTcp(this.#plan.address))}` };
  }

  async packets(): Promise<Finding> {
    const { address } = this.#plan;
    const found = await lookAtPackets(address, { isSecure: this.#security !== undefined });
    if (found.what === 'lost') throw notPassing(address, found.when);
    if (found.what === 'pass') return { text: 'large ones pass, both ways' };
    return { outcome: 'unknown', text: 'what is there does not reply as a coordinator' };
  }

  async tls(): Promise<Finding> {
    const { address, insecure } = this.#plan;
    const isSecure = this.#security !== undefined;
    if (this.#security !== undefined) {
      const shaken = await shakeHands(address, this.#security.tls.current).catch(() => undefined);
      if (shaken !== undefined) {
        const { name, issuer, until } = shaken.certificate;
        this.#fault = shaken.fault;
        this.#authority = `"${name}", signed by "${issuer}", until ${until}`;
        return { text: shaken.protocol };
      }
    }
    const found = await probeAddress(address, { tlsFirst: isSecure, lookMs: LOOK_MS });
    const error = new TesseraError('COORDINATOR_UNREACHABLE', `no handshake with ${address}`, {
      hint: 'is the coordinator there overloaded, or is something between that does not pass TLS?',
    });
    const named = errorFor(found, { address, isSecure, error });
    if (named !== undefined) throw named;
    if (isSecure || found.what !== 'http2') throw error;
    refusePlaintextAbroad(address, { limits: { messageBytes: 0 }, insecure });
    return { outcome: 'skipped', text: 'plaintext, here and there' };
  }

  async authority(): Promise<Finding> {
    if (this.#security === undefined) return { outcome: 'skipped', text: 'plaintext has none' };
    if (this.#fault !== undefined) throw this.#fault;
    return { text: this.#authority };
  }

  async role(): Promise<Finding> {
    const { address, insecure, role } = this.#plan;
    this.#way = new Way(address, { security: this.#security, insecure });
    try {
      this.#other = await this.#way.other();
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (!isOlder(error)) throw error;
      return { outcome: 'unknown', text: 'the coordinator is too old to say it' };
    }
    refuseRole(this.#other.role, role);
    return { text: roleText(this.#other.role) };
  }

  async version(): Promise<Finding> {
    const other = this.#other;
    if (other !== undefined && other.protocolVersion === PROTOCOL_VERSION) {
      return { text: versionText(other) };
    }
    throw otherVersion(other?.tesseraVersion ?? (await this.#versionInStatus()), other);
  }

  async roundTrip(): Promise<Finding> {
    const roundTrip = await this.#measuring().roundTrip();
    this.numbers = { roundTrip };
    return { text: milliseconds(1000 * roundTrip) };
  }

  async bandwidth(): Promise<Finding> {
    try {
      const bandwidth = await this.#measuring().bandwidth();
      this.numbers = { ...this.numbers, bandwidth };
      const { there, back } = bandwidth;
      return { text: `${rate(there)} to the coordinator, ${rate(back)} from it` };
    } catch (thrown) {
      const { code, sentence: text, hint } = TesseraError.from(thrown);
      if (code !== 'RATE_LIMITED') throw thrown;
      return { outcome: 'unknown', text, hint };
    }
  }

  async step(): Promise<Finding> {
    const { step } = this.#plan;
    const { roundTrip, bandwidth } = this.numbers;
    if (step === undefined) {
      return { outcome: 'skipped', text: '--config CONFIG shows what it means for a step' };
    }
    if (roundTrip === undefined || bandwidth === undefined) {
      return { outcome: 'unknown', text: 'it needs the bandwidth' };
    }
    return { text: await step({ roundTrip, bandwidth }) };
  }

  close(): void {
    this.#way?.close();
  }

  #measuring(): Way {
    if (this.#way === undefined) throw new Error('the role is checked first');
    return this.#way;
  }

  /** '' where it does not say it. */
  async #versionInStatus(): Promise<string> {
    const { address, insecure } = this.#plan;
    const question = { address, insecure, security: this.#security, timeoutMs: STATUS_MS };
    return await fetchStatus(question).then(
      ({ tesseraVersion }) => tesseraVersion,
      () => '',
    );
  }
}

/** Whether a coordinator does not know probes: without credentials, and with them, where no role may call what is unknown. */
function isOlder({ code, sentence }: TesseraError): boolean {
  if (code === 'PROTOCOL_MISMATCH') return /does not know this call/.test(sentence);
  return code === 'ACCESS_DENIED' && /is for the role none/.test(sentence);
}

/** `0.31 ms`. */
function milliseconds(ms: number): string {
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

/** `480 MB/s`, or `1.2 MB/s`. */
function rate(bytesPerSecond: number): string {
  const megabytes = bytesPerSecond / 1e6;
  return `${megabytes >= 10 ? Math.round(megabytes) : megabytes.toPrecision(2)} MB/s`;
}
