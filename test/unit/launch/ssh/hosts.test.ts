/** @file Lists of hosts and hostfiles. */
import { describe, expect, it } from 'vitest';
import { hostsOfFile, hostsOfList } from '../../../../launch/ssh/hosts.ts';

const host = (name: string, slots?: number) => ({ name, slots });

describe('a list of hosts', () => {
  it.each([
    ['a', [host('a')]],
    ['a,b:2', [host('a'), host('b', 2)]],
    ['n[09-10]:4', [host('n09', 4), host('n10', 4)]],
    ['root@10.0.0.2,localhost', [host('root@10.0.0.2'), host('localhost')]],
    ['fd00::1,[fd00::2]', [host('fd00::1'), host('fd00::2')]],
  ])('%s', (text, hosts) => expect(hostsOfList(text)).toEqual(hosts));

  it.each([
    ['', /cannot be read/],
    ['a,,b', /cannot be read/],
    ['a,a:2', /names the host a twice/],
    ['-oProxyCommand=x', /is not a host/],
    ['a b', /is not a host/],
    ["a';x", /is not a host/],
    ['a:0', /0 workers on one host/],
  ])('%j is refused', (text, words) => expect(() => hostsOfList(text)).toThrow(words));
});

describe('a hostfile', () => {
  it('has a host a line, with its workers', () => {
    const text = '# ours\n\ngpu1 slots=2\n  gpu2\t# slow\nn[1-2]  slots=1\r\nb:3\n';
    expect(hostsOfFile(text, 'hosts')).toEqual([
      ...[host('gpu1', 2), host('gpu2'), host('n1', 1), host('n2', 1), host('b', 3)],
    ]);
  });

  it.each([
    ['# none\n', /hosts names no host/],
    ['a\nb max_slots=4\n', /hosts:2: "max_slots=4" means nothing here/],
    ['a slots=two\n', /hosts:1/],
    ['a slots=9999\n', /hosts:1: 9999 workers/],
  ])('%j is refused', (text, words) => expect(() => hostsOfFile(text, 'hosts')).toThrow(words));
});
