import { once } from 'node:events';
import { connect, type Settings } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, describe, expect, it } from 'vitest';
import packageJson from '../../../../package.json' with { type: 'json' };
import { deferred } from '../../../../shared/core/async.ts';
import { FLOW_WINDOW_BYTES } from '../../../../shared/exchange/grpc/channel.ts';
import { HandlerFactory } from '../../../../shared/exchange/grpc/handlers.ts';
import { fetchStatus } from '../../../../shared/exchange/grpc/operator.ts';
import { LOADER_OPTIONS, services } from '../../../../shared/exchange/grpc/protos.ts';
import {
  type RpcServer,
  type ServerSettings,
  startServer,
} from '../../../../shared/exchange/grpc/server.ts';
import { TAKEN_BACK } from '../../../fuzz/http2.ts';
import { LIMITS } from '../../../support/loopback.ts';

const running: RpcServer[] = [];

async function start(
  listen: string,
  served: Parameters<typeof startServer>[1] = [],
  some: Pick<ServerSettings, 'takeStream'> = {},
) {
  const server = await startServer(listen, served, { limits: LIMITS, report: () => {}, ...some });
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop(0)));
});

describe('a server', () => {
  it('says which port it got', async () => {
    const server = await start('127.0.0.1:0');
    expect(server.port).toBeGreaterThan(0);
    expect(server.address).toBe(`127.0.0.1:${server.port}`);
  });

  it('names a port in use', async () => {
    const { address } = await start('127.0.0.1:0');
    await expect(start(address)).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      sentence: expect.stringContaining(address),
      hint: expect.stringContaining('another port'),
    });
  });

  it.each([
    ['192.0.2.1:0', 'CONFIG_INVALID'],
    ['no-such-host.invalid:0', 'CONFIG_INVALID'],
    ['nonsense', 'USAGE'],
  ])('cannot listen on %s', async (listen, code) => {
    await expect(start(listen)).rejects.toMatchObject({ code });
  });

  it('survives calls of an unknown method that are taken back at once', async () => {
    // An exception in the library would have no one to catch it.
    const { port } = await start('127.0.0.1:0', [], { takeStream: () => false });
    const socket = connectTcp(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(TAKEN_BACK);
    socket.end().resume();
    await once(socket, 'close');
  });

  it('answers health checks', async () => {
    const { address } = await start('127.0.0.1:0');
    const client = new Client(address, credentials.createInsecure());
    const { Check } = healthService;
    const { path, requestSerialize, responseDeserialize } = Check!;
    const reply = deferred<unknown>();
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error, value) =>
      error === null ? reply.resolve(value) : reply.reject(error),
    );
    expect(await reply.promise).toMatchObject({ status: 'SERVING' });
    client.close();
  });

  it('opens the flow-control window of streams and connections', async () => {
    const { port } = await start('127.0.0.1:0');
    const session = connect(`http://127.0.0.1:${port}`);
    let settings: Settings = {};
    while (settings.initialWindowSize !== FLOW_WINDOW_BYTES) {
      [settings] = (await once(session, 'remoteSettings')) as [Settings];
    }
    // The connection's window comes in a frame after the settings; a ping's answer comes after both.
    await new Promise((resolve) => session.ping(resolve));
    expect(session.state.remoteWindowSize).toBe(FLOW_WINDOW_BYTES);
    session.destroy();
  });

  it('lets calls under way end, and cuts them after the grace', async () => {
    const never = deferred<object>();
    const begun = deferred<void>();
    const factory = new HandlerFactory(() => {});
    const GetStatus = factory.unary(() => {
      begun.resolve();
      return never.promise;
    });
    const definition = { GetStatus: services.Control.service.GetStatus };
    const server = await start('127.0.0.1:0', [{ definition, handlers: { GetStatus } }]);
    const call = fetchStatus({ address: server.address, timeoutMs: 10_000 });
    call.catch(() => {});
    await begun.promise;
    await server.stop(20);
    await expect(call).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
  });

  it('says TIMEOUT when an answer does not come', async () => {
    const factory = new HandlerFactory(() => {});
    const GetStatus = factory.unary(() => new Promise<object>(() => {}));
    const definition = { GetStatus: services.Control.service.GetStatus };
    const { address } = await start('127.0.0.1:0', [{ definition, handlers: { GetStatus } }]);
    await expect(fetchStatus({ address, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
  });

  it('that is no coordinator is named as such', async () => {
    const { address } = await start('127.0.0.1:0');
    await expect(fetchStatus({ address, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'PROTOCOL_MISMATCH',
    });
  });
});

describe('the contract', () => {
  it('is loaded with the options that its types are generated with', () => {
    const { gen } = packageJson.scripts;
    expect(gen).toContain('--longs=Number --enums=String --defaults --oneofs --arrays ');
    expect(LOADER_OPTIONS).toEqual({
      ...{ longs: Number, enums: String, defaults: true, oneofs: true, arrays: true },
    });
  });

  it('keeps its method names', () => {
    const paths = [services.Control, services.Exchange].flatMap(({ service }) =>
      Object.values(service as Record<string, { path: string }>).map(({ path }) => path),
    );
    expect(paths).toEqual([
      '/tessera.v1.Control/Session',
      '/tessera.v1.Control/GetStatus',
      '/tessera.v1.Control/StopRun',
      '/tessera.v1.Exchange/PushNode',
      '/tessera.v1.Exchange/PullParameters',
      '/tessera.v1.Exchange/FetchSamples',
      '/tessera.v1.Exchange/FetchFeatures',
      '/tessera.v1.Exchange/FetchExecutable',
      '/tessera.v1.Exchange/PushExecutable',
      '/tessera.v1.Exchange/Probe',
    ]);
  });
});
