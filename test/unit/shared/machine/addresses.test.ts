/** @file What is said of where to dial: always something that can be dialled. */

import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ownAddress } from '../../../../shared/core/address.ts';
import { dialledAddresses } from '../../../../shared/machine/addresses.ts';

const at = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
  ({ address, family, internal }) as NetworkInterfaceInfo;

const LOOPBACK = [at('127.0.0.1', 'IPv4', true), at('::1', 'IPv6', true)];
const WIRE = [at('192.168.1.7', 'IPv4'), at('fe80::1', 'IPv6'), at('2001:db8::7', 'IPv6')];

describe('where others dial', () => {
  it.each([
    ['an address as it is', '10.1.2.3:7070', { lo: LOOPBACK, wire: WIRE }, ['10.1.2.3:7070']],
    ['loopback as it is', '127.0.0.1:7070', { lo: LOOPBACK, wire: WIRE }, ['127.0.0.1:7070']],
    ['each network', '0.0.0.0:7070', { lo: LOOPBACK, wire: WIRE }, ['192.168.1.7:7070']],
    [
      'two networks',
      '0.0.0.0:7070',
      { wire: WIRE, other: [at('10.0.0.4', 'IPv4')] },
      ['192.168.1.7:7070', '10.0.0.4:7070'],
    ],
    ['IPv4 of both kinds', '[::]:7070', { wire: WIRE }, ['192.168.1.7:7070']],
    ['IPv6 alone', '[::]:7070', { wire: WIRE.slice(1) }, ['[2001:db8::7]:7070']],
    ['no network', '0.0.0.0:7070', { lo: LOOPBACK, gone: undefined }, ['127.0.0.1:7070']],
    ['IPv6 where IPv4 is asked for', '0.0.0.0:7070', { wire: WIRE.slice(1) }, ['127.0.0.1:7070']],
  ])('%s', (_what, bound, interfaces, expected) => {
    expect(dialledAddresses(bound, interfaces)).toEqual(expected);
  });
});

it('this machine dials itself at its own address', () => {
  const bound = ['0.0.0.0:1', '[::]:2', '10.1.2.3:4'];
  expect(bound.map(ownAddress)).toEqual(['127.0.0.1:1', '127.0.0.1:2', '10.1.2.3:4']);
});
