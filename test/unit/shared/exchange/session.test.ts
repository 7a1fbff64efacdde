import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveCoordinator } from '../../../../coordinator/service/service.ts';
import type { CoordinatorMessage__Output } from '../../../../shared/contract/generated/tessera/v1/CoordinatorMessage.ts';
import type { WorkerMessage } from '../../../../shared/contract/generated/tessera/v1/WorkerMessage.ts';
import { NO_ERROR } from '../../../../shared/core/error-report.ts';
import { TesseraError } from '../../../../shared/core/errors.ts';
import { openDuplex } from '../../../../shared/exchange/grpc/calls.ts';
import { connectControl } from '../../../../shared/exchange/grpc/channel.ts';
import { fetchStatus } from '../../../../shared/exchange/grpc/operator.ts';
import type { RpcServer } from '../../../../shared/exchange/grpc/server.ts';
import { createLog } from '../../../../shared/machine/log.ts';
import type { WorkerLink } from '../../../../worker/exchange/link.ts';
import {
  JOIN,
  LIMITS,
  linkTo,
  NotingPort,
  openSession,
  startLoopback,
} from '../../../support/loopback.ts';
import { startRelay } from '../../../support/relay.ts';

let port: NotingPort;
let server: RpcServer;
let link: WorkerLink;

beforeEach(async () => {
  port = new NotingPort();
  ({ server, link } = await startLoopback(port));
});

afterEach(async () => {
  link.close();
  await server.stop(50);
});

/** Sends raw messages in a session of its own; answers why it was closed. */
function sendRaw(messages: readonly WorkerMessage[]): Promise<TesseraError | undefined> {
  const control = connectControl(server.address, { limits: LIMITS });
  return new Promise<TesseraError | undefined>((resolve) => {
    const stream = openDuplex<WorkerMessage, CoordinatorMessage__Output>(
      { address: server.address, what: 'raw', firstReplyMs: 10_000 },
      control.session(),
      { onMessage: () => {}, onClosed: resolve },
    );
    for (const message of messages) stream.send(message);
  }).finally(() => control.close());
}

describe('a session', () => {
  it('is welcomed with all that the coordinator says', async () => {
    const { welcome } = openSession(link);
    expect(await welcome).toEqual({
      worker: 'anna',
      run: 'test',
      session: 's-1',
      configJson: JSON.stringify({
        limits: {
          ...{ messageBytes: 4 * 1024 * 1024, chunkBytes: 1000, rpcMs: 20_000 },
          executableBytes: 256 * 1024,
        },
      }),
      modelFingerprint: 'f',
      classes: ['cat', 'dög'],
      trainSamples: 10,
      validationSamples: 10,
      testSamples: 10,
      heartbeatMs: 1000,
      silenceMs: 10_000,
      runId: 'r',
      dataJson: '',
      lanes: [],
      // As of a coordinator of an older version.
      takesLog: false,
    });
    expect(port.calls).toEqual([['join', JOIN]]);
  });

  it('carries ready, heartbeats and a goodbye to the port, in order', async () => {
    const { stream, welcome } = openSession(link);
    await welcome;
    const devices = { kind: 'H200', count: 8, bytesInUse: 2 ** 40, bytesPeak: undefined };
    const about = { engine: 'xla', engineId: 'xla', processor: 'a core (avx2)' };
    const ready = { modelFingerprint: 'f', ...about, slots: 8, devices };
    stream.sendReady(ready);
    const error = { code: 'TIMEOUT', reason: 'too\nlate', hint: 'not sent' };
    stream.sendHeartbeat({ assignment: 2 ** 40, leavesOpen: 3, error, devices });
    stream.sendLeave({ code: 'DATA_INVALID', reason: 'line one\nline two', hint: 'do\tthis' });
    stream.close();
    await port.called('sessionClosed');
    expect(port.calls.slice(1)).toEqual([
      ['ready', 'anna', ready],
      [
        'heartbeat',
        'anna',
        {
          ...{ assignment: 2 ** 40, leavesOpen: 3, devices },
          error: { code: 'TIMEOUT', reason: 'too late' },
        },
      ],
      ['leave', 'anna', { code: 'DATA_INVALID', reason: 'line one line two', hint: 'do this' }],
      ['sessionClosed', 's-1'],
    ]);
  });

  it('carries lines of a log, mended where they are not as they should be', async () => {
    const { stream, welcome } = openSession(link);
    await welcome;
    const line = { number: 3, leftOut: 2, ageMs: 40, level: 'error' as const, text: 'no engine' };
    const hostile = { ...line, number: 4, text: `\u001b]0;x\u0007\n${'y'.repeat(2000)}` };
    const many = Array.from({ length: 40 }, (_, at) => ({ ...line, number: 10 + at }));
    const beat = { assignment: 1, leavesOpen: 0, error: NO_ERROR };
    stream.sendHeartbeat({ ...beat, log: [line, hostile, { ...line, number: 0 }] });
    stream.sendHeartbeat({ ...beat, log: many });
    stream.sendLeave({ ...NO_ERROR, log: [line] });
    stream.close();
    await port.called('sessionClosed');
    const logs = port.calls.flatMap(([, , message]) => (message as { log?: unknown[] })?.log ?? []);
    const [first, second, ...rest] = logs;
    expect(first).toEqual(line);
    expect(second).toMatchObject({ number: 4, level: 'error' });
    expect((second as typeof line).text).toMatch(/^\\u001b\]0;x\\u0007\\u000ayy+…$/);
    expect((second as typeof line).text).toHaveLength(1000);
    expect(rest).toEqual([...many.slice(0, 16), line]);
  });

  it('brings answers to heartbeats, assignments and the finish, then ends well when the coordinator closes it', async () => {
    const { welcome, closed, heard } = openSession(link);
    await welcome;
    const handle = port.handles.get('s-1')!;
    const assignment = {
      ...{ sequence: 2 ** 33, kind: 'test' as const, step: 1, version: 1, epoch: 0, batch: 2 },
      ranges: [{ first: 4, count: 4 }],
    };
    handle.send({ type: 'alive', log: 12 });
    handle.send({ type: 'assignment', assignment });
    handle.send({ type: 'finish', ...NO_ERROR });
    handle.close();
    handle.send({ type: 'finish', code: 'INTERNAL', reason: 'never sent', hint: '' });
    expect(await closed).toBeUndefined();
    expect(heard).toEqual(['alive, log 12', assignment, NO_ERROR]);
    expect(await port.called('sessionClosed')).toHaveLength(1);
  });

  it('is told why a join is refused, and the port hears of no session', async () => {
    port.refusal = new TesseraError('RUN_FULL', 'the run has 2 workers – full', {
      hint: 'wait – or raise limits.workersMax to 100 %',
    });
    const error = await openSession(link).closed;
    expect(error).toMatchObject({
      code: 'RUN_FULL',
      sentence: 'the run has 2 workers – full',
      hint: 'wait – or raise limits.workersMax to 100 %',
    });
    expect(port.calls).toEqual([]);
  });

  it('takes the engine for its id where a worker is too old to send one', async () => {
    const { stream, welcome } = openSession(link);
    await welcome;
    stream.sendReady({
      modelFingerprint: 'f',
      engine: 'tfjs-cpu',
      engineId: '',
      processor: '',
      slots: 1,
    });
    const calls = await port.called('ready');
    expect(calls).toEqual([['ready', 'anna', expect.objectContaining({ engineId: 'tfjs-cpu' })]]);
  });

  it('ends with the error when `ready` is refused', async () => {
    const { stream, welcome, closed } = openSession(link);
    await welcome;
    port.refusal = new TesseraError('PROTOCOL_MISMATCH', 'another model');
    stream.sendReady({
      modelFingerprint: 'g',
      engine: 'e',
      engineId: 'e',
      processor: '',
      slots: 1,
    });
    expect(await closed).toMatchObject({ code: 'PROTOCOL_MISMATCH' });
    expect(await port.called('sessionClosed')).toHaveLength(1);
  });

  it('never sees the text of an unforeseen error', async () => {
    port.refusal = new Error('password is hunter2');
    const error = await openSession(link).closed;
    expect(error?.code).toBe('INTERNAL');
    expect(error?.message).not.toContain('hunter2');
  });

  it('says that the coordinator cannot be reached when the server dies', async () => {
    const { welcome, closed } = openSession(link);
    await welcome;
    await server.stop(0);
    expect(await closed).toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(await port.called('sessionClosed')).toHaveLength(1);
  });

  it('opens over a new connection, since the one before may swallow everything', async () => {
    const relay = await startRelay(server.address);
    const far = linkTo(relay.address);
    const first = openSession(far);
    await first.welcome;
    relay.swallow();
    first.stream.close();
    expect((await openSession(far).welcome).session).toBe('s-2');
    far.close();
    relay.close();
  });

  it('says that nobody listens, with a hint', async () => {
    await server.stop(0);
    const error = await openSession(link).closed;
    expect(error).toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
      sentence: expect.stringContaining('nothing listens there'),
      hint: expect.stringContaining('start the coordinator'),
    });
  });

  it('opens again through the same link when the coordinator comes back', async () => {
    const { welcome, closed } = openSession(link);
    await welcome;
    await server.stop(0);
    await closed;
    const log = createLog({ component: 'test', level: 'off' });
    server = await serveCoordinator(port, log, { listen: server.address, limits: LIMITS });
    for (let code: string | undefined = 'lost'; code !== undefined; ) {
      const again = openSession(link);
      const lost = again.closed.then((error) => error?.code);
      code = await Promise.race([again.welcome.then(() => undefined), lost]);
    }
    expect(port.handles.size).toBe(2);
  });

  it('tells nobody when we close it ourselves', async () => {
    const { stream, welcome, closed } = openSession(link);
    await welcome;
    stream.close();
    stream.sendHeartbeat({ assignment: 1, leavesOpen: 1, error: NO_ERROR });
    await port.called('sessionClosed');
    expect(await Promise.race([closed.then(() => 'told'), 'not told'])).toBe('not told');
  });
});

describe('a malformed session', () => {
  const heartbeat = { heartbeat: { assignment: 1, leavesOpen: 0 } };
  const tooLong = 'x'.repeat(201);
  const cases: readonly [string, readonly WorkerMessage[], RegExp][] = [
    ['a first message that is not join', [heartbeat], /heartbeat before join/],
    ['a second join', [{ join: JOIN }, { join: JOIN }], /join after join/],
    ['a message after leave', [{ join: JOIN }, { leave: {} }, heartbeat], /after leave/],
    ['an empty message', [{}], /no known kind before join/],
    ['a join without instance', [{ join: { ...JOIN, instance: '' } }], /join\.instance/],
    ['a name that is too long', [{ join: { ...JOIN, name: tooLong } }], /join\.name/],
    ['control characters in a name', [{ join: { ...JOIN, name: '\u001b[2J' } }], /join\.name/],
    [
      'a sequence beyond 2^53',
      [{ join: JOIN }, { heartbeat: { assignment: 2 ** 60 } }],
      /heartbeat\.assignment/,
    ],
    [
      'an error that is too long',
      [{ join: JOIN }, { heartbeat: { errorReason: 'x'.repeat(1001) } }],
      /heartbeat\.error_reason/,
    ],
    [
      'control characters in a hint',
      [{ join: JOIN }, { leave: { errorCode: 'INTERNAL', hint: '\u001b[2J' } }],
      /leave\.hint/,
    ],
  ];
  it.each(cases)('with %s is refused', async (_, messages, pattern) => {
    const error = await sendRaw(messages);
    expect(error).toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(error?.sentence).toMatch(pattern);
  });

  it('leaves the others alone', async () => {
    const { stream, welcome } = openSession(link);
    await welcome;
    await sendRaw([heartbeat]);
    stream.sendHeartbeat({ assignment: 5, leavesOpen: 0, error: NO_ERROR });
    const beat = { assignment: 5, leavesOpen: 0, error: { code: '', reason: '' } };
    expect(await port.called('heartbeat')).toEqual([['heartbeat', 'anna', beat]]);
  });
});

describe('the status', () => {
  it('comes back as the port told it', async () => {
    const { workers, ...rest } = port.status();
    expect(await fetchStatus({ address: server.address, timeoutMs: 5000 })).toEqual({
      ...rest,
      refusedJoins: 0,
      lastRefusal: '',
      workers: [...workers],
    });
  });

  it('fails with COORDINATOR_UNREACHABLE when nobody is there', async () => {
    await server.stop(0);
    await expect(fetchStatus({ address: server.address, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
  });

  it('hides the text of an unforeseen error', async () => {
    port.refusal = new Error('hunter2');
    await expect(fetchStatus({ address: server.address, timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('hunter2'),
    });
  });

  it.each(['', 'nohost', 'host:', 'host:99999', 'http://host:1', 'ho st:1', '::1:50'])(
    'refuses the address %j',
    async (address) => {
      await expect(fetchStatus({ address, timeoutMs: 1000 })).rejects.toMatchObject({
        code: 'USAGE',
      });
    },
  );
});
