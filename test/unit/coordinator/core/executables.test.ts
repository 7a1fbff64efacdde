/** @file Which executables a run keeps, and which worker compiles: by examples, and by any order of events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExecutableBook } from '../../../../coordinator/core/executables.ts';

const LIMITS = { executableBytes: 100, executablesBytes: 250, keysMax: 3, compileMs: 1000 };
const sumOf = (sha256: string, bytes = 60) => ({ sha256, bytes });
const REFUSED = { outcome: 'refused', reason: expect.any(String) };

function book() {
  const gone = new Set<string>();
  return { book: new ExecutableBook(LIMITS, (owner) => !gone.has(owner)), gone };
}

describe('one worker compiles', () => {
  it('and the others wait until it has brought the executable', () => {
    const { book: kept } = book();
    expect(kept.ask('a', 'w1', 0)).toEqual({ outcome: 'compile' });
    expect(kept.ask('a', 'w2', 1)).toEqual({ outcome: 'wait' });
    // Its reply was lost.
    expect(kept.ask('a', 'w1', 2)).toEqual({ outcome: 'compile' });
    expect(kept.offer('a', 'w1', sumOf('x'), 3)).toEqual({ outcome: 'send' });
    expect(kept.ask('a', 'w2', 4)).toEqual({ outcome: 'wait' });
    expect(kept.keep('a', sumOf('x'))).toEqual({ outcome: 'kept' });
    expect(kept.ask('a', 'w2', 5)).toEqual({ outcome: 'kept', ...sumOf('x') });
  });

  it.each([
    ['dies', (at: ReturnType<typeof book>) => at.gone.add('w1'), 1],
    ['gives its turn back', (at: ReturnType<typeof book>) => at.book.release('a', 'w1'), 1],
    ['takes too long', () => {}, LIMITS.compileMs + 1],
  ])('and when it %s, another one does', (_, happen, nowMs) => {
    const at = book();
    at.book.ask('a', 'w1', 0);
    happen(at);
    expect(at.book.ask('a', 'w2', nowMs)).toEqual({ outcome: 'compile' });
    expect(at.book.ask('a', 'w3', nowMs)).toEqual({ outcome: 'wait' });
  });

  it('and only the one whose turn it is gives it back', () => {
    const { book: kept } = book();
    kept.ask('a', 'w1', 0);
    kept.release('a', 'w2');
    expect(kept.ask('a', 'w2', 1)).toEqual({ outcome: 'wait' });
  });

  it('of two executables the first is kept', () => {
    const { book: kept } = book();
    kept.ask('a', 'w1', 0);
    kept.offer('a', 'w2', sumOf('y'), 1);
    kept.offer('a', 'w1', sumOf('x'), 1);
    expect(kept.keep('a', sumOf('y'))).toEqual({ outcome: 'kept' });
    expect(kept.keep('a', sumOf('x'))).toEqual({ outcome: 'otherKept' });
    expect(kept.offer('a', 'w1', sumOf('x'), 2)).toEqual({ outcome: 'otherKept' });
    // A push whose reply was lost is made again.
    expect(kept.offer('a', 'w2', sumOf('y'), 2)).toEqual({ outcome: 'kept' });
  });

  it('one that cannot be read any more is compiled again', () => {
    const { book: kept } = book();
    kept.restore('a', sumOf('x'));
    kept.lose('a');
    expect(kept.ask('a', 'w1', 0)).toEqual({ outcome: 'compile' });
  });
});

describe('a run does not keep', () => {
  it('an executable that is too large, and says so at once to the workers after it', () => {
    const { book: kept } = book();
    kept.ask('a', 'w1', 0);
    expect(kept.offer('a', 'w1', sumOf('x', 101), 1)).toMatchObject(REFUSED);
    expect(kept.ask('a', 'w2', 2)).toMatchObject(REFUSED);
    expect(kept.ask('a', 'w3', 2)).toMatchObject(REFUSED);
  });

  it('what another worker than the one that compiles offers, if it is too large; the key stays open', () => {
    const { book: kept } = book();
    kept.ask('a', 'w1', 0);
    expect(kept.offer('a', 'w2', sumOf('y', 101), 1)).toMatchObject(REFUSED);
    expect(kept.offer('a', 'w1', sumOf('x'), 2)).toEqual({ outcome: 'send' });
  });

  it('more bytes than it may; those on their way count until they have come', () => {
    const { book: kept } = book();
    kept.restore('a', sumOf('x', 100));
    expect(kept.offer('b', 'w1', sumOf('y', 100), 0)).toEqual({ outcome: 'send' });
    expect(kept.offer('c', 'w2', sumOf('z', 100), 0)).toEqual({ outcome: 'busy' });
    kept.endOffer('w1');
    expect(kept.offer('c', 'w2', sumOf('z', 100), 0)).toEqual({ outcome: 'send' });
    kept.keep('c', sumOf('z', 100));
    kept.endOffer('w2');
    expect(kept.offer('b', 'w1', sumOf('y', 60), 0)).toMatchObject(REFUSED);
  });

  it('two executables at a time from one process', () => {
    const { book: kept } = book();
    expect(kept.offer('a', 'w1', sumOf('x'), 0)).toEqual({ outcome: 'send' });
    expect(kept.offer('b', 'w1', sumOf('y'), 0)).toEqual({ outcome: 'busy' });
  });

  it('more keys than it may; turns of processes that are gone do not count', () => {
    const { book: kept, gone } = book();
    for (const key of ['a', 'b', 'c']) kept.ask(key, `w-${key}`, 0);
    expect(kept.ask('d', 'w1', 0)).toMatchObject(REFUSED);
    expect(kept.offer('d', 'w1', sumOf('x'), 0)).toMatchObject(REFUSED);
    gone.add('w-b');
    expect(kept.ask('d', 'w1', 0)).toEqual({ outcome: 'compile' });
  });
});

it('whatever happens, all that are given an executable are given the same, and someone may always compile', () => {
  const key = fc.constantFrom('a', 'b');
  const owner = fc.constantFrom('w1', 'w2', 'w3');
  const event = fc.oneof(
    fc.record({ type: fc.constant('ask' as const), key, owner }),
    fc.record({ type: fc.constant('bring' as const), key, owner }),
    fc.record({ type: fc.constant('release' as const), key, owner }),
    fc.record({ type: fc.constant('die' as const), owner }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 700 }) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { book: kept, gone } = book();
      const given = new Map<string, string>();
      const give = (name: string, sha256: string) => {
        expect(given.get(name) ?? sha256).toBe(sha256);
        given.set(name, sha256);
      };
      let nowMs = 0;
      for (const [place, one] of events.entries()) {
        if (one.type === 'pass') nowMs += one.ms;
        else if (one.type === 'die') gone.add(one.owner);
        else if (one.type === 'release') kept.release(one.key, one.owner);
        else if (one.type === 'ask') {
          gone.delete(one.owner);
          const state = kept.ask(one.key, one.owner, nowMs);
          if (state.outcome === 'kept') give(one.key, state.sha256);
        } else {
          gone.delete(one.owner);
          const sum = sumOf(String(place));
          if (kept.offer(one.key, one.owner, sum, nowMs).outcome !== 'send') continue;
          if (kept.keep(one.key, sum).outcome === 'kept') give(one.key, sum.sha256);
          kept.endOffer(one.owner);
        }
      }
      for (const name of ['a', 'b']) {
        const state = kept.ask(name, 'w4', nowMs + LIMITS.compileMs + 1);
        expect(state.outcome).toBe(given.has(name) ? 'kept' : 'compile');
      }
    }),
  );
});
