/** @file `tessera doctor HOST:PORT` on a real network: a firewall that drops, and a link that takes small packets only. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { scratchFolder } from '../support/cluster.ts';

const HEAD = 'head';
const NEAR = 'near';

const refused = networkIsRefused();
if (refused !== undefined) process.stderr.write(`skipped: no network namespaces: ${refused}\n`);

describe.skipIf(refused !== undefined)('between two hosts', () => {
  let network: Network;
  let address = '';

  beforeAll(async () => {
    network = new Network([HEAD, NEAR]);
    const listen = `${network.addressOf(HEAD)}:0`;
    const folder = join(scratchFolder(), 'run');
    const flags = ['--listen', listen, '--insecure', '--run-folder', folder];
    const coordinator = network.start(HEAD, ['coordinator', 'quickstart', ...flags]);
    [address = ''] = await coordinator.printed(/10\.77\.0\.1:[1-9]\d*/);
  }, 60_000);

  afterAll(() => network.close());

  const doctor = async () => {
    const asked = network.start(NEAR, ['doctor', address, '--insecure', '--json']);
    const { code, stdout } = await asked.ended;
    const { schema, works, checks } = JSON.parse(stdout) as {
      readonly schema: string;
      readonly works: boolean;
      readonly checks: readonly { check: string; outcome: string; text: string; hint?: string }[];
    };
    expect(schema).toBe('doctor-address/1');
    expect(code).toBe(works ? 0 : 1);
    return { works, failed: checks.find(({ outcome }) => outcome === 'failed') };
  };

  // One after the other, in one network: each makes it worse.
  it('all is well; then large packets vanish; then a firewall drops all', async () => {
    expect(await doctor()).toEqual({ works: true, failed: undefined });
    network.narrowLink(NEAR, 1000);
    const narrow = await doctor();
    expect(narrow.failed).toMatchObject({ check: 'packets', hint: expect.stringContaining('MTU') });
    network.drop(HEAD, Number(address.split(':')[1]));
    const dropped = await doctor();
    expect(dropped.failed).toMatchObject({
      check: 'tcp',
      hint: expect.stringContaining('a firewall drops'),
    });
  }, 120_000);
});
