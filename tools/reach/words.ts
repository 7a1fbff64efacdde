/** @file The words of what is found on the way to a coordinator: packets that are lost, roles, versions. Pure. */
import { ACCESS_TABLE, type Role } from '../../shared/contract/access.ts';
import { PROTOCOL_VERSION } from '../../shared/contract/messages.ts';
import { hostOf } from '../../shared/core/address.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { VERSION } from '../../shared/machine/version.ts';
import type { Other } from './measure.ts';

/** The error of a path whose large packets are lost. */
export function notPassing(address: string, when: 'handshake' | 'call'): TesseraError {
  const host = hostOf(address);
  const what = when === 'handshake' ? 'the TLS handshake hangs' : 'a larger exchange hangs';
  return new TesseraError(
    'COORDINATOR_UNREACHABLE',
    `large packets between here and ${address} are lost: small replies come at once, and ${what}`,
    {
      hint: `a link on the way (a tunnel, a VPN) takes smaller packets than both ends send, and a firewall drops the ICMP messages that say so. \`ping -M do -s 1400 ${host}\` with smaller numbers shows what passes; then set that size plus 28 as MTU on both machines (ip link set DEVICE mtu 1280), let ICMP through, or clamp the MSS on the router`,
    },
  );
}

/** Calls of each role, as people know them. */
const USES: Readonly<Record<string, string>> = {
  '/tessera.v1.Control/Session': 'tessera worker',
  '/tessera.v1.Control/GetStatus': 'tessera status',
  '/tessera.v1.Control/StopRun': 'tessera stop',
};

/** What a role may do and may not. */
export function roleText(role: string): string {
  if (role === '') return 'none is asked for: every caller may do everything';
  const may = (method: string) => ACCESS_TABLE[method]?.includes(role as Role) === true;
  const name = (methods: readonly string[]) => methods.map((method) => USES[method]).join(', ');
  const methods = Object.keys(USES);
  const refused = name(methods.filter((method) => !may(method)));
  return `${role}: good for ${name(methods.filter(may))}; not for ${refused}`;
}

/** Throws  ACCESS_DENIED when a credential has another role than the one that is needed. */
export function refuseRole(role: string, needed: string | undefined): void {
  if (needed === undefined || role === '' || role === needed) return;
  throw new TesseraError(
    'ACCESS_DENIED',
    `the credential has the role ${role}, and the role ${needed} is needed`,
    {
      hint: `give --certs FOLDER with one of that role: tessera certs issue CERTS NAME --role ${needed} makes it`,
    },
  );
}

/** Both sides speak the same protocol. */
export function versionText({ tesseraVersion }: Other): string {
  const both =
    tesseraVersion === VERSION ? `${VERSION}, as here` : `${tesseraVersion}, here ${VERSION}`;
  return `protocol ${PROTOCOL_VERSION}, Tessera ${both}`;
}

/** The error of a coordinator that speaks another protocol; `other` is undefined where it does not know probes. */
export function otherVersion(version: string, other: Other | undefined): TesseraError {
  const named = version === '' ? 'of another version' : `Tessera ${version}`;
  const there = other === undefined ? 'an older protocol' : `protocol ${other.protocolVersion}`;
  // It came over the wire, and is typed into a shell.
  const install = /^[\w.+-]+$/.test(version)
    ? `npm install tessera-train@${version}`
    : 'npm install';
  return new TesseraError(
    'PROTOCOL_MISMATCH',
    `the coordinator is ${named} and speaks ${there}; this is Tessera ${VERSION} with protocol ${PROTOCOL_VERSION}`,
    {
      hint: `install the same version on both machines: ${install} here, or that of this machine there`,
    },
  );
}
