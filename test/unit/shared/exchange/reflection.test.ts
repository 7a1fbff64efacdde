/** @file gRPC reflection over a real connection, in both versions that tools ask for. */
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, expect, it } from 'vitest';
import { NotingPort, startLoopback } from '../../../support/loopback.ts';

const { server, link } = await startLoopback(new NotingPort());
const client = new Client(server.address, credentials.createInsecure());
afterAll(async () => {
  client.close();
  link.close();
  await server.stop(0);
});

it.each(['v1', 'v1alpha'])(
  '%s lists the services of the contract, twice on one call',
  async (version) => {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const asIs = (bytes: Buffer) => bytes;
    const call = client.makeBidiStreamRequest(path, asIs, asIs);
    const replies: string[] = [];
    const ended = new Promise((done, fail) => {
      call.on('data', (bytes: Buffer) => replies.push(bytes.toString('latin1')));
      call.on('end', done).on('error', fail);
    });
    // `list_services`, field 7, as an empty string.
    for (const _ of [1, 2]) call.write(Buffer.from([0x3a, 0x00]));
    call.end();
    await ended;
    expect(replies).toHaveLength(2);
    for (const reply of replies) {
      expect(reply).toContain('tessera.v1.Control');
      expect(reply).toContain('tessera.v1.Exchange');
    }
  },
);
