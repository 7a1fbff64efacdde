import { describe, expect, it } from 'vitest';
import type { Assignment } from '../../../../shared/contract/messages.ts';
import { NO_ERROR } from '../../../../shared/core/error-report.ts';
import type { LeafRange } from '../../../../shared/core/work.ts';
import type { NodeTask, SessionEffect, SessionEvent } from '../../../../worker/core/messages.ts';
import { Session } from '../../../../worker/core/session.ts';

const RECONNECT_MS = 10_000;
const HEARTBEAT_MS = 1_000;
const SILENCE_MS = 4_000;
const TICK_MS = 100;
const WELCOME = {
  type: 'welcomed',
  run: 'r',
  modelFingerprint: 'm',
  heartbeatMs: HEARTBEAT_MS,
  silenceMs: SILENCE_MS,
} as const;

/** A session and its effects, in short words. */
class Bench {
  readonly session = new Session({ reconnectMs: RECONNECT_MS, seed: 1 });
  nowMs = 0;

  tell(...events: SessionEvent[]): string[] {
    return events.flatMap((event) => this.session.handle(event, this.nowMs)).map(words);
  }

  /** Lives for so long, awake, and hears `events` with each tick; answers all but the heartbeats. */
  sleepless(durationMs: number, ...events: SessionEvent[]): string[] {
    const effects: string[] = [];
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) {
      this.nowMs += TICK_MS;
      effects.push(...this.tell({ type: 'tick' }, ...events));
    }
    return effects.filter((effect) => !effect.startsWith('sendHeartbeat'));
  }

  /** Joined, with the model built. */
  static ready(): Bench {
    const bench = new Bench();
    bench.tell({ type: 'started' }, WELCOME, { type: 'prepared', modelFingerprint: 'm' });
    return bench;
  }
}

function words(effect: SessionEffect): string {
  switch (effect.type) {
    case 'compute':
      return `compute ${effect.task.first}+${effect.task.count}`;
    case 'connect':
      return effect.afterMs === 0 ? 'connect' : 'connect later';
    default: {
      const { type, ...rest } = effect;
      return [type, ...Object.values(rest)].join(' ').trim();
    }
  }
}

const range = (first: number, count: number): LeafRange => ({ first, count });

function assigned(sequence: number, step: number, ...ranges: LeafRange[]): SessionEvent {
  const assignment: Assignment = {
    sequence,
    kind: 'train',
    step,
    version: step,
    epoch: 0,
    batch: step,
    ranges,
  };
  return { type: 'assigned', assignment, numLeaves: 8 };
}

function task(step: number, first: number, count: number): NodeTask {
  return { kind: 'train', step, version: step, epoch: 0, batch: step, first, count };
}

const computed = (...of: Parameters<typeof task>): SessionEvent => ({
  type: 'nodeComputed',
  task: task(...of),
});
const pushed = (...of: Parameters<typeof task>): SessionEvent => ({
  type: 'nodePushed',
  task: task(...of),
});
const pulled = (version: number): SessionEvent => ({ type: 'pulled', version });
const LOST: SessionEvent = { type: 'connectionLost', reason: 'reset' };

describe('the line', () => {
  it('joins, prepares and reports ready', () => {
    const bench = new Bench();
    expect(bench.tell({ type: 'started' })).toEqual(['connect']);
    expect(bench.tell(WELCOME)).toEqual(['prepare']);
    expect(bench.session.phase).toBe('preparing');
    expect(bench.tell({ type: 'prepared', modelFingerprint: 'm' })).toEqual(['sendReady']);
    expect(bench.session.phase).toBe('idle');
  });

  it('does not build the model again after a reconnect', () => {
    const bench = Bench.ready();
    expect(bench.tell(LOST)).toEqual(['connect later']);
    expect(bench.tell(WELCOME)).toEqual(['sendReady']);
  });

  it('goes on with a model that was finished while the line was down', () => {
    const bench = new Bench();
    bench.tell({ type: 'started' }, WELCOME, LOST, { type: 'prepared', modelFingerprint: 'm' });
    expect(bench.tell(WELCOME)).toEqual(['sendReady']);
  });

  it('gives up when the coordinator is gone for the whole budget', () => {
    const bench = Bench.ready();
    const effects: SessionEffect[] = [];
    while (bench.session.phase !== 'stopped' && effects.length < 100) {
      const [effect] = bench.session.handle(LOST, bench.nowMs);
      effects.push(effect!);
      if (effect?.type === 'connect') bench.nowMs += effect.afterMs;
    }
    expect(effects.length).toBeLessThan(20);
    expect(effects.at(-1)).toMatchObject({ type: 'stop', code: 'COORDINATOR_UNREACHABLE' });
    expect(bench.nowMs).toBe(RECONNECT_MS);
  });

  it('is given up when nothing is heard for silenceMs, answers to heartbeats being something', () => {
    const bench = Bench.ready();
    bench.sleepless(3 * SILENCE_MS, { type: 'alive' });
    expect(bench.session.phase).toBe('idle');
    bench.sleepless(SILENCE_MS);
    expect(bench.session.phase).toBe('idle');
    expect(bench.sleepless(TICK_MS)).toEqual(['connect later']);
    expect(bench.session.phase).toBe('joining');
    expect(bench.tell(WELCOME)).toEqual(['sendReady']);
  });

  it('is not given up by a worker that was stopped itself, before it has read what came', () => {
    const bench = Bench.ready();
    bench.sleepless(TICK_MS);
    bench.nowMs += 10 * SILENCE_MS;
    bench.tell({ type: 'tick' }, { type: 'alive' });
    bench.sleepless(TICK_MS);
    expect(bench.session.phase).toBe('idle');
  });

  it('gives up with the reason of a coordinator that has no free slot', () => {
    const bench = new Bench();
    const why = { code: 'RUN_FULL', hint: 'raise limits.workersMax' };
    const full: SessionEvent = { ...LOST, reason: 'the run has 2 workers', ...why };
    expect(bench.tell({ type: 'started' }, full)).toEqual(['connect', 'connect later']);
    bench.nowMs = RECONNECT_MS;
    expect(bench.session.handle(full, bench.nowMs)).toEqual([
      { type: 'stop', ...why, reason: 'no free worker slot for 10 s: the run has 2 workers' },
    ]);
  });

  it.each([
    ['another run', { ...WELCOME, run: 'other' }, /start this worker again.*its own run/],
    ['another model', { ...WELCOME, modelFingerprint: 'other' }, /start this worker again/],
  ])(
    'stops when the coordinator comes back with %s, and says what to do',
    (name, welcome, hint) => {
      const bench = Bench.ready();
      const stop = bench.tell(LOST, welcome).at(-1);
      expect(stop).toMatch(new RegExp(`^stop PROTOCOL_MISMATCH the coordinator .*${name}`));
      expect(stop).toMatch(hint);
      expect(stop).not.toMatch(/version/);
    },
  );

  it('stops with the hint that came with a refusal, or with the end of the run', () => {
    const end = { code: 'ACCESS_DENIED', reason: 'the token is not known', hint: 'another token' };
    for (const type of ['refused', 'finished'] as const) {
      expect(Bench.ready().session.handle({ type, ...end }, 0)).toEqual([{ type: 'stop', ...end }]);
    }
  });

  it('looks again for a coordinator that was interrupted, for as long as for one that is lost', () => {
    const bench = Bench.ready();
    const end = { code: 'INTERRUPTED', reason: 'stopped by SIGTERM', hint: '' };
    const [effect] = bench.session.handle({ type: 'finished', ...end }, 0);
    expect(effect).toMatchObject({
      type: 'connect',
      lost: { reason: 'stopped by SIGTERM; it is to be started again' },
    });
    bench.nowMs = RECONNECT_MS;
    expect(bench.tell(LOST).at(-1)).toMatch(/^stop COORDINATOR_UNREACHABLE/);
  });

  it('stops without an error when the run is over, and then does nothing more', () => {
    const bench = Bench.ready();
    expect(bench.tell({ type: 'finished', ...NO_ERROR })).toEqual(['stop']);
    expect(bench.tell(WELCOME, LOST, { type: 'tick' })).toEqual([]);
  });

  it('shows a heartbeat what it has seen and what is open', () => {
    const bench = Bench.ready();
    bench.tell(assigned(7, 0, range(0, 4)), pulled(0));
    expect(bench.tell({ type: 'tick' })).toEqual([]);
    bench.nowMs += HEARTBEAT_MS;
    expect(bench.tell({ type: 'tick' }, { type: 'tick' })).toEqual(['sendHeartbeat 7 4']);
  });
});

describe('work', () => {
  it('pulls, then computes the largest nodes in order, one at a time', () => {
    const bench = Bench.ready();
    expect(bench.tell(assigned(1, 0, range(0, 3), range(4, 4)))).toEqual(['pull 0']);
    expect(bench.tell(pulled(0))).toEqual(['compute 0+2']);
    expect(bench.tell(computed(0, 0, 2))).toEqual(['compute 2+1']);
    expect(bench.tell(pushed(0, 0, 2), computed(0, 2, 1))).toEqual(['compute 4+4']);
    expect(bench.tell(computed(0, 4, 4), pushed(0, 2, 1), pushed(0, 4, 4))).toEqual(['prefetch 1']);
    expect(bench.session.phase).toBe('idle');
  });

  it('asks for the next version once its part of a step is on its way, and for none after an evaluation', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 4, range(0, 2)), pulled(4));
    expect(bench.tell(computed(4, 0, 2))).toEqual(['prefetch 5']);
    // Another worker is lost: its leaves come here, in the same step.
    expect(bench.tell(assigned(2, 4, range(2, 2)))).toEqual(['compute 2+2']);
    expect(bench.tell(computed(4, 2, 2), pushed(4, 0, 2), pushed(4, 2, 2))).toEqual([]);
    expect(bench.tell(assigned(3, 5, range(0, 2)))).toEqual(['pull 5']);
    // The coordinator has resumed from an older version.
    expect(bench.tell(pulled(5), assigned(4, 2, range(0, 2)))).toEqual([
      'compute 0+2',
      'cancelCompute',
      'pull 2',
    ]);
    expect(bench.tell(pulled(2), computed(2, 0, 2))).toEqual(['compute 0+2', 'prefetch 3']);
  });

  it('stops computing while two nodes wait for their answers', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(1, 7)), pulled(0));
    expect(bench.tell(computed(0, 1, 1))).toEqual(['compute 2+2']);
    expect(bench.tell(computed(0, 2, 2))).toEqual([]);
    expect(bench.tell(pushed(0, 1, 1))).toEqual(['compute 4+4']);
  });

  it('counts a leaf as open until its push is answered', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 2)), pulled(0), computed(0, 0, 2));
    bench.nowMs += HEARTBEAT_MS;
    expect(bench.tell({ type: 'tick' })).toEqual(['sendHeartbeat 1 2']);
    bench.tell(pushed(0, 0, 2));
    bench.nowMs += HEARTBEAT_MS;
    expect(bench.tell({ type: 'tick' })).toEqual(['sendHeartbeat 1 0']);
  });

  it('ignores an assignment that is older than the newest, or the same', () => {
    const bench = Bench.ready();
    bench.tell(assigned(5, 0, range(0, 2)), pulled(0), computed(0, 0, 2), pushed(0, 0, 2));
    expect(bench.tell(assigned(4, 0, range(4, 2)), assigned(5, 0, range(0, 2)))).toEqual([]);
    expect(bench.tell(assigned(6, 0, range(0, 2)))).toEqual(['compute 0+2']);
  });

  it.each([
    ['all of it is done', assigned(2, 0, range(4, 2)), ['cancelCompute', 'compute 4+2']],
    ['a part of it is done', assigned(2, 0, range(1, 3)), ['cancelCompute', 'compute 1+1']],
    ['the round is over', assigned(2, 1, range(0, 4)), ['cancelCompute', 'pull 1']],
    ['nothing is left', assigned(2, 0), ['cancelCompute']],
    ['only more is added', assigned(2, 0, range(0, 6)), []],
  ])(
    'calls off the node under way only when it has become useless: %s',
    (_name, event, effects) => {
      const bench = Bench.ready();
      bench.tell(assigned(1, 0, range(0, 4)), pulled(0));
      expect(bench.tell(event)).toEqual(effects);
    },
  );

  it('computes again, after a pause, what could not be pushed', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 2)), pulled(0), computed(0, 0, 2));
    expect(bench.tell({ type: 'pushFailed', task: task(0, 0, 2) }, { type: 'tick' })).toEqual([]);
    bench.nowMs += HEARTBEAT_MS;
    expect(bench.tell({ type: 'tick' })).toEqual(['sendHeartbeat 1 2', 'compute 0+2']);
  });

  it('asks again, after a pause, for a version that was refused, unless another is wanted by then', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 2)));
    expect(bench.tell({ type: 'pullRefused', version: 0 }, { type: 'tick' })).toEqual([]);
    expect(bench.tell(assigned(2, 1, range(0, 2)))).toEqual(['pull 1']);
    bench.tell({ type: 'pullRefused', version: 1 });
    bench.nowMs += HEARTBEAT_MS;
    expect(bench.tell({ type: 'tick' })).toContain('pull 1');
  });

  it('tells what it tries again in vain, and gives up with that after its budget', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 2)));
    const error = { code: 'CHUNK_CORRUPT', reason: 'wrong checksum', hint: 'check the network' };
    const refused = { type: 'pullRefused', version: 0, error } as const;
    bench.tell(refused);
    bench.nowMs += HEARTBEAT_MS;
    const [beat] = bench.session.handle({ type: 'tick' }, bench.nowMs);
    expect(beat).toEqual({ type: 'sendHeartbeat', assignment: 1, leavesOpen: 2, error });
    const effects: string[] = [];
    for (let tries = 1; tries <= 10; tries += 1) {
      effects.push(...bench.tell(refused));
      bench.sleepless(HEARTBEAT_MS, { type: 'alive' });
    }
    expect(effects).toEqual([
      'abandon CHUNK_CORRUPT tried again for 10 s: wrong checksum check the network',
    ]);
  });

  it('has patience again after each success, and with what is only late', () => {
    const bench = Bench.ready();
    const error = { code: 'TIMEOUT', reason: 'too slow', hint: '' };
    for (let step = 0; step < 30; step += 1) {
      bench.tell(assigned(step + 1, step, range(0, 1)));
      bench.tell({ type: 'pullRefused', version: step, error });
      expect(bench.sleepless(HEARTBEAT_MS, { type: 'alive' })).toEqual([`pull ${step}`]);
      // Another made that version before this one had it.
      const later =
        step % 2 === 0 ? pulled(step) : ({ type: 'pullRefused', version: step } as const);
      bench.tell(later);
    }
    expect(bench.session.phase).not.toBe('stopped');
  });

  it('keeps its parameters and the node under way over a reconnect', () => {
    const bench = Bench.ready();
    bench.tell(assigned(9, 0, range(0, 4)), pulled(0));
    bench.tell(LOST, WELCOME);
    expect(bench.tell(assigned(1, 0, range(0, 8)))).toEqual([]);
    expect(bench.tell(computed(0, 0, 4))).toEqual(['compute 4+4']);
  });

  it('takes no notice of a node that was called off and is computed all the same', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 4)), pulled(0), assigned(2, 0, range(4, 4)));
    expect(bench.tell(computed(0, 0, 4), pushed(0, 0, 4))).toEqual([]);
    expect(bench.session.phase).toBe('computing');
  });
});

describe('a worker that is to go', () => {
  it('hands back what it computes, delivers what is computed, then leaves', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 1), range(2, 1)), pulled(0), computed(0, 0, 1));
    expect(bench.tell({ type: 'drain' })).toEqual(['cancelCompute']);
    expect(bench.tell(assigned(2, 0, range(0, 4)))).toEqual([]);
    expect(bench.tell(pushed(0, 0, 1))).toEqual(['stop  drained']);
  });

  it('leaves at once when nothing is owed', () => {
    expect(Bench.ready().tell({ type: 'drain' })).toEqual(['stop  drained']);
  });

  it('leaves after ten seconds though a push is not answered', () => {
    const bench = Bench.ready();
    bench.tell(assigned(1, 0, range(0, 2)), pulled(0), computed(0, 0, 2), { type: 'drain' });
    bench.nowMs = 9_999;
    expect(bench.tell({ type: 'tick' })).not.toContain('stop  drained');
    bench.nowMs = 10_000;
    expect(bench.tell({ type: 'tick' })).toContain('stop  drained');
  });
});

describe('a worker whose line flaps', () => {
  const pauses = (lastsMs: number) => {
    const session = new Session({ reconnectMs: 600_000, seed: 1 });
    let nowMs = 0;
    const tell = (event: SessionEvent) => session.handle(event, nowMs);
    tell({ type: 'started' });
    tell(WELCOME);
    tell({ type: 'prepared', modelFingerprint: 'm' });
    return Array.from({ length: 6 }, (_, time) => {
      tell(assigned(time + 1, 0, range(0, 1)));
      nowMs += lastsMs;
      const [connect] = tell({ type: 'connectionLost', reason: 'r' });
      tell(WELCOME);
      return connect?.type === 'connect' ? connect.afterMs : Number.NaN;
    });
  };

  it('waits longer each time, though it gets work in between', () => {
    const all = pauses(500);
    expect(all[5]).toBeGreaterThan(8 * all[0]!);
  });

  it('begins anew with the shortest pause after a line that held', () => {
    for (const pauseMs of pauses(10_000)) expect(pauseMs).toBeLessThanOrEqual(100);
  });
});
