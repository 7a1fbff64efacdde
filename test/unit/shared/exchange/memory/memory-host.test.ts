/** @file With whom memory is shared, and what happens when there is none left. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Exchange } from '../../../../../shared/exchange/exchange.ts';
import { grpcExchanges } from '../../../../../shared/exchange/grpc/lanes/open.ts';
import type { RpcServer } from '../../../../../shared/exchange/grpc/server.ts';
import { MemoryHost } from '../../../../../shared/exchange/memory/memory-host.ts';
import { LIMITS, NotingPort, startLoopback } from '../../../../support/loopback.ts';

const MODULE = pathToFileURL(resolve('dist/shared/exchange/memory/memory-host.js')).href;

let host: MemoryHost | undefined;
let server: RpcServer | undefined;
let exchange: Exchange | undefined;
afterEach(async () => {
  exchange?.close();
  host?.close();
  await server?.stop(50);
});

/** Files in memory that this process has open. */
function numOpen(): number {
  const names = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return names.filter((name) => name.startsWith('/dev/shm/#')).length;
}

function open(address: string): void {
  host = new MemoryHost(1024, () => true, 0);
  const memory = host.offer('s', '');
  expect(memory).toBeDefined();
  const { signal } = new AbortController();
  const settings = { session: 's', limits: LIMITS, memory, signal };
  exchange = grpcExchanges(address, { insecure: true })(settings);
}

describe.skipIf(process.platform !== 'linux')('memory of a session', () => {
  it('is opened by a worker of the same account on the same machine', async () => {
    let link: { close(): void };
    ({ server, link } = await startLoopback(new NotingPort()));
    link.close();
    const before = numOpen();
    open(server.address);
    // Two files at each end.
    expect(numOpen() - before).toBe(4);
  });

  it('is not opened for a coordinator elsewhere, whatever it offers', () => {
    const before = numOpen();
    open('192.0.2.1:50051');
    expect(numOpen() - before).toBe(2);
  });

  it('is not asked for again once a piece did not fit: parameters travel by wire', () => {
    const program = `
      const { MemoryHost } = await import(${JSON.stringify(MODULE)});
      const host = new MemoryHost(1024, () => true, 0);
      host.offer('s', '');
      const vector = host.parametersFor('s');
      const code = await vector.put(1, { offset: 0, bytes: new Uint8Array(1 << 20) }).catch(({ code }) => code);
      process.stdout.write(code + ' ' + (host.parametersFor('s') === undefined));
    `;
    const shell = 'ulimit -f 64; exec "$0" --input-type=module -e "$1"';
    const said = execFileSync('bash', ['-c', shell, process.execPath, program], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(said.toString()).toBe('SYSTEM true');
  });
});
