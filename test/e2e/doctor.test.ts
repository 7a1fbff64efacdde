/** @file `tessera doctor HOST:PORT` on a real network: a firewall that drops, a link that takes small packets only; `DOCTOR=all`: a step. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Network, networkIsRefused } from '../chaos/network.ts';
import { SMALL_RUN, scratchFolder } from '../support/cluster.ts';

const [HEAD, NEAR, THIN, SHUT] = ['head', 'near', 'thin', 'shut'] as const;

const refused = networkIsRefused();
if (refused !== undefined) process.stderr.write(`skipped: no network namespaces: ${refused}\n`);

describe.skipIf(refused !== undefined)('between two hosts', () => {
  let network: Network;
  let address = '';

  beforeAll(async () => {
    network = new Network([HEAD, NEAR, THIN, SHUT]);
    const listen = `${network.addressOf(HEAD)}:0`;
    const folder = join(scratchFolder(), 'run');
    const flags = ['--listen', listen, '--insecure', '--run-folder', folder];
    const coordinator = network.start(HEAD, ['coordinator', ...SMALL_RUN, ...flags]);
    [address = ''] = await coordinator.printed(/10\.77\.0\.1:[1-9]\d*/);
    network.narrowLink(THIN, 1000);
    network.drop(HEAD, Number(address.split(':')[1]), SHUT);
  }, 60_000);

  afterAll(() => network.close());

  const doctor = async (host: string, more: readonly string[] = []) => {
    const line = ['doctor', address, '--insecure', '--json', ...more];
    const { code, stdout, stderr } = await network.start(host, line).ended;
    const found = JSON.parse(stdout);
    expect(found.schema, stderr).toBe('doctor-address/1');
    expect(code).toBe(found.works ? 0 : 1);
    const failed = (found.checks as readonly { readonly outcome: string }[]).find(
      ({ outcome }) => outcome === 'failed',
    );
    return { ...found, failed };
  };

  // At the same time: what they wait for most are replies that do not come.
  it('all is well for one; large packets of another vanish; a firewall drops all of a third', async () => {
    const [near, thin, shut] = await Promise.all([doctor(NEAR), doctor(THIN), doctor(SHUT)]);
    expect(near).toMatchObject({ works: true, failed: undefined });
    expect(thin.failed).toMatchObject({ check: 'packets', hint: expect.stringContaining('MTU') });
    expect(shut.failed).toMatchObject({
      check: 'tcp',
      hint: expect.stringContaining('a firewall drops'),
    });
  });

  // It measures a leaf and a step on this machine, until nobody else computes there: minutes on a busy one.
  it.runIf(process.env['DOCTOR'] === 'all')('says what the way means for a step', async () => {
    const [config = '', ...flags] = SMALL_RUN;
    const found = await doctor(NEAR, ['--config', config, ...flags]);
    expect(found).toMatchObject({ works: true, failed: undefined });
    const { network: onTheWay, total, share } = found.step;
    // Of a link of this machine: more than nothing, and less than the whole.
    expect(onTheWay).toBeGreaterThan(found.roundTripSeconds);
    expect(share).toBeCloseTo(onTheWay / total, 6);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
  });
});
