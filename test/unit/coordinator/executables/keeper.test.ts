/** @file Executables over gRPC, kept in the run's folder: what a worker gets, and what is there after a restart. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutableId } from '../../../../shared/contract/messages.ts';
import { sha256Of } from '../../../support/digest.ts';
import { linkTo, NotingPort, openSession, startLoopback } from '../../../support/loopback.ts';

const ID: ExecutableId = { digest: 'a'.repeat(64), title: 'training of ViT-Ti/16 for a card' };
const PATH = `/run/executables/${ID.digest}`;
const FIRST = Uint8Array.from({ length: 70_000 }, (_, place) => place * 3);
const SECOND = Uint8Array.from(FIRST, (byte) => byte ^ 1);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A port whose sessions are workers of their own. */
class Port extends NotingPort {
  override workerOf(session: string): string {
    return `${super.workerOf(session)} ${session}`;
  }
}

/** Workers in sessions with a coordinator over `port`. */
async function workers(port = new Port(), count = 2) {
  const { server, link } = await startLoopback(port);
  closing.push(() => server.stop(0));
  const exchanges = [];
  for (let one = 0; one < count; one += 1) {
    const own = one === 0 ? link : linkTo(server.address);
    closing.push(() => own.close());
    await openSession(own).welcome;
    exchanges.push(own.exchange);
  }
  return { port, exchanges };
}

/** A worker as two: the one that compiles, and one that comes later. */
async function twoWorkers(port?: Port) {
  const { port: at, exchanges } = await workers(port);
  const [compiler, later] = exchanges;
  return { port: at, compiler: compiler!, later: later! };
}

const KEPT = (bytes: Uint8Array) => ({ outcome: 'kept', bytes });

describe('the executables of a run', () => {
  it('come from one worker, and all get the same bytes', async () => {
    const { port, compiler, later } = await twoWorkers();
    expect(await compiler.fetchExecutable(ID)).toEqual({ outcome: 'compile' });
    expect(await later.fetchExecutable(ID)).toEqual({ outcome: 'wait' });
    expect(await compiler.pushExecutable(ID, FIRST)).toEqual({ outcome: 'kept' });
    expect(await later.fetchExecutable(ID)).toEqual(KEPT(FIRST));
    expect(await later.pushExecutable(ID, SECOND)).toEqual({ outcome: 'otherKept' });
    expect(await later.fetchExecutable(ID)).toEqual(KEPT(FIRST));
    expect([...port.files.keys()]).toEqual([PATH]);
  });

  it('pushed by two at one moment are one', async () => {
    const { compiler, later } = await twoWorkers();
    const pushed = await Promise.all([
      compiler.pushExecutable(ID, FIRST),
      later.pushExecutable(ID, SECOND),
    ]);
    expect(pushed.map(({ outcome }) => outcome).sort()).toEqual(['kept', 'otherKept']);
    const kept = pushed[0].outcome === 'kept' ? FIRST : SECOND;
    expect(await compiler.fetchExecutable(ID)).toEqual(KEPT(kept));
    expect(await later.fetchExecutable(ID)).toEqual(KEPT(kept));
  });

  it('are compiled by another when the worker gives its turn back, or dies', async () => {
    const { port, compiler, later } = await twoWorkers();
    await compiler.fetchExecutable(ID);
    expect(await compiler.pushExecutable(ID, undefined)).toEqual({ outcome: 'released' });
    expect(await later.fetchExecutable(ID)).toEqual({ outcome: 'compile' });
    expect(await compiler.fetchExecutable(ID)).toEqual({ outcome: 'wait' });
    port.gone.add('process of anna s-2');
    expect(await compiler.fetchExecutable(ID)).toEqual({ outcome: 'compile' });
  });

  it('are the same after a restart of the coordinator', async () => {
    const port = new Port();
    const before = await twoWorkers(port);
    await before.compiler.pushExecutable(ID, FIRST);
    port.executables = port.keeper();
    const { later } = await twoWorkers(port);
    expect(await later.fetchExecutable(ID)).toEqual(KEPT(FIRST));
    expect(await later.pushExecutable(ID, FIRST)).toEqual({ outcome: 'kept' });
  });

  it.each([
    ['with a bit that flipped', (bytes: Uint8Array) => bytes.with(5000, bytes[5000]! ^ 4)],
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, -1)],
    ['without its first line', (bytes: Uint8Array) => bytes.slice(200)],
    ['empty', () => new Uint8Array()],
  ])('are compiled again where the file is %s', async (_, damage) => {
    const port = new Port();
    const { compiler, later } = await twoWorkers(port);
    await compiler.pushExecutable(ID, FIRST);
    port.files.set(PATH, new Uint8Array(damage(port.files.get(PATH)!)));
    expect(await later.fetchExecutable(ID)).toEqual({ outcome: 'compile' });
    expect(await later.pushExecutable(ID, SECOND)).toEqual({ outcome: 'kept' });
    expect(await compiler.fetchExecutable(ID)).toEqual(KEPT(SECOND));
    port.files.set(PATH, new Uint8Array(damage(port.files.get(PATH)!)));
    port.executables = port.keeper();
    const { later: next } = await twoWorkers(port);
    expect(await next.fetchExecutable(ID)).toEqual({ outcome: 'compile' });
  });

  it('stay in memory where the disk refuses them', async () => {
    const port = new Port();
    port.files.set = () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    const { compiler, later } = await twoWorkers(port);
    expect(await compiler.pushExecutable(ID, FIRST)).toEqual({ outcome: 'kept' });
    expect(await later.fetchExecutable(ID)).toEqual(KEPT(FIRST));
    expect(port.files.size).toBe(0);
  });

  it('are refused with the reason when one is too large, to the next worker before it compiles', async () => {
    const { compiler, later } = await twoWorkers();
    const large = new Uint8Array(256 * 1024 + 1);
    const refused = {
      outcome: 'refused',
      reason: expect.stringContaining('limits.executableBytes (262144)'),
    };
    await compiler.fetchExecutable(ID);
    expect(await compiler.pushExecutable(ID, large)).toEqual(refused);
    expect(await later.fetchExecutable(ID)).toEqual(refused);
  });

  it('have keys of 64 hexadecimal digits and a title of one line: a key is a name of a file', async () => {
    const { port, compiler } = await twoWorkers();
    const invalid = { code: 'MESSAGE_INVALID' };
    for (const digest of ['', '../../etc/passwd', 'A'.repeat(64), 'a'.repeat(65)]) {
      const id = { ...ID, digest };
      await expect(compiler.fetchExecutable(id)).rejects.toMatchObject(invalid);
      await expect(compiler.pushExecutable(id, FIRST)).rejects.toMatchObject(invalid);
    }
    const title = `a\nb${'c'.repeat(500)}`;
    expect(await compiler.pushExecutable({ ...ID, title }, FIRST)).toEqual({ outcome: 'kept' });
    expect([...port.files.keys()]).toEqual([PATH]);
    expect(sha256Of(port.files.get(PATH)!.slice(-FIRST.length))).toBe(sha256Of(FIRST));
  });
});
