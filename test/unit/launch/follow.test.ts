/** @file A node that is not the first waits for it, says what is missing, and follows it where it goes. */

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeAddresses } from '../../../launch/up/address-file.ts';
import { type FollowOptions, followFirst } from '../../../launch/up/follow.ts';
import { prepareJoinFolder } from '../../../launch/up/join-folder.ts';
import { deferred } from '../../../shared/core/async.ts';
import type { Clock } from '../../../shared/core/clock.ts';
import { TesseraError } from '../../../shared/core/errors.ts';
import { temporaryFolder } from '../../support/data.ts';

const NODE = { first: 'n1', hosts: ['n1'] };
const PATIENCE_MS = 60_000;

/** Time passes when something waits for it. */
class QuickClock implements Clock {
  #nowMs = 0;
  readonly #actions = new Set<() => void>();

  nowMs(): number {
    return this.#nowMs;
  }

  every(_intervalMs: number, action: () => void): () => void {
    this.#actions.add(action);
    return () => this.#actions.delete(action);
  }

  /** What is done every so often. */
  tick(): void {
    for (const action of this.#actions) action();
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#nowMs += delayMs;
    await new Promise((later) => setImmediate(later));
  }
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(): Promise<string> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function aNode(given: Partial<FollowOptions> = {}) {
  const folder = await temporaryFolder();
  const clock = new QuickClock();
  const said: string[] = [];
  const options: FollowOptions = {
    ...{ first: 'n1:50051', life: '7.0', runFolder: join(folder, 'run'), clock },
    joinFolder: join(folder, 'join'),
    patienceMs: PATIENCE_MS,
    signal: new AbortController().signal,
    say: (sentence) => said.push(sentence),
    work: () => Promise.reject(new Error('no work here')),
    ...given,
  };
  return { options, clock, said };
}

describe('a node that is not the first', () => {
  it('waits for the credentials, says so once, and ends in words after its patience', async () => {
    const { options, said } = await aNode();
    await expect(followFirst(options)).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
      sentence: expect.stringMatching(/^no first node in 60 s: it has not filled .*join yet$/),
      hint: expect.stringMatching(/--join-folder/),
    });
    expect(said).toEqual([
      expect.stringMatching(/^waiting for the first node \(for 60 s at most\): it has not filled/),
    ]);
  });

  it('does not dial what an earlier start of the job has left, and then what this one says', async () => {
    const address = await listening();
    const dialled: string[] = [];
    const { options, said } = await aNode({
      work: async (where) => {
        dialled.push(where);
        return 0;
      },
    });
    const folder = options.joinFolder ?? '';
    await prepareJoinFolder(folder, NODE);
    await writeAddresses(folder, { life: '6.0', addresses: ['127.0.0.1:9'] });
    const say = (sentence: string) => {
      said.push(sentence);
      if (/not filled/.test(sentence))
        void writeAddresses(folder, { life: '7.0', addresses: ['not..there:1', address] });
    };
    expect(await followFirst({ ...options, say })).toBe(0);
    expect(dialled).toEqual([address]);
    expect(said.at(-1)).toBe(`the first node is at ${address}`);
  });

  it('dials the name of the first one where no node can say more, and says why that cannot be reached', async () => {
    const { options, said } = await aNode({ joinFolder: undefined, first: 'not..there:1' });
    await expect(followFirst(options)).rejects.toMatchObject({
      sentence: expect.stringMatching(/not\.\.there:1: its name does not resolve yet$/),
    });
    expect(said).toHaveLength(1);
    const closed = await aNode({ joinFolder: undefined, first: '127.0.0.1:9' });
    await expect(followFirst(closed.options)).rejects.toMatchObject({
      sentence: expect.stringMatching(/nothing listens there yet$/),
    });
  });

  it('has nothing to do once the run is done', async () => {
    const { options, said } = await aNode();
    mkdirSync(options.runFolder);
    const result = {
      ...{
        schema: 'result/1',
        steps: 1,
        epochs: 1,
        testAccuracy: 1,
        testLoss: null,
        testedStep: 1,
      },
      ...{ isTestedOnce: true, chosenOn: 'test', bestStep: 1, bestAccuracy: 1, bestLoss: 0 },
      ...{ parametersSha256: 'x', seconds: 1, imagesPerSecond: 1, workers: 1, engine: 'e' },
      ...{ badSamples: 0, emptySteps: 0 },
    };
    writeFileSync(join(options.runFolder, 'result.json'), JSON.stringify(result));
    expect(await followFirst(options)).toBe(0);
    expect(said).toEqual(['the run is done already']);
  });

  it('follows the first one to another address', async () => {
    const [here, there] = [await listening(), await listening()];
    const dialled: string[] = [];
    const { options, clock, said } = await aNode({
      work: async (where, signal) => {
        dialled.push(where);
        if (where === there) return 0;
        await writeAddresses(options.joinFolder ?? '', { life: '7.0', addresses: [there] });
        const left = deferred<number>();
        signal.addEventListener('abort', () => left.resolve(0));
        clock.tick();
        return await left.promise;
      },
    });
    await prepareJoinFolder(options.joinFolder ?? '', NODE);
    await writeAddresses(options.joinFolder ?? '', { life: '7.0', addresses: [here] });
    expect(await followFirst(options)).toBe(0);
    expect(dialled).toEqual([here, there]);
    expect(said).toContain('the first node is elsewhere now');
  });

  it('ends with the error of its work, unless the first one has moved meanwhile', async () => {
    const [here, there] = [await listening(), await listening()];
    const denied = new TesseraError('ACCESS_DENIED', 'another authority');
    const { options } = await aNode({
      work: async (where) => {
        if (where === there) return 7;
        await writeAddresses(options.joinFolder ?? '', { life: '7.0', addresses: [there] });
        throw denied;
      },
    });
    await prepareJoinFolder(options.joinFolder ?? '', NODE);
    await writeAddresses(options.joinFolder ?? '', { life: '7.0', addresses: [here] });
    expect(await followFirst(options)).toBe(7);
    const stays = await aNode({
      joinFolder: undefined,
      first: here,
      work: () => Promise.reject(denied),
    });
    await expect(followFirst(stays.options)).rejects.toBe(denied);
  });

  it('that is asked to go ends with that, while it waits and while it works', async () => {
    const stop = new AbortController();
    const reason = new TesseraError('INTERRUPTED', 'stopped by SIGTERM');
    const waits = await aNode({ signal: stop.signal, say: () => stop.abort(reason) });
    await expect(followFirst(waits.options)).rejects.toBe(reason);
    const later = new AbortController();
    const works = await aNode({
      ...{ joinFolder: undefined, first: await listening(), signal: later.signal },
      work: async () => {
        later.abort(reason);
        return 0;
      },
    });
    await expect(followFirst(works.options)).rejects.toBe(reason);
  });
});
