/** @file Whole conversations with the coordinator's core, as text; `vitest -u` writes them anew. */
import { expect, it } from 'vitest';
import { nodeOf, PLAN, Scene } from '../../../support/core-scene.ts';

/** Plays the rest of a run with one worker that computes whatever it is given. */
function playOn(scene: Scene, worker: string): void {
  for (let turn = 0; scene.run.phase !== 'done' && turn < 50; turn += 1) {
    scene.wait(100);
    const { version, phase, numLeaves, reason } = scene.run;
    const tested = Number(/^version (\d+)/.exec(reason)?.[1] ?? version);
    if (phase === 'saving') scene.tell({ type: 'checkpointWritten', version });
    else if (reason.includes('test images') && tested < version) {
      scene.tell({ type: 'versionRestored', version: tested, isThere: true });
      scene.node(worker, { ...nodeOf('test', version, 0, 2), version: tested });
    } else if (phase === 'evaluating') {
      // All are alike, so the first is the best.
      const kind = scene.plan.validationSamples > 0 ? 'validate' : 'test';
      scene.node(worker, nodeOf(kind, version, 0, numLeaves));
    } else {
      scene.node(worker, nodeOf('train', version, 0, numLeaves));
      scene.applied(version);
    }
  }
}

/** With other samples to choose the best version by, and checkpoints at the end alone. */
const VALIDATED = { ...PLAN, validationSamples: 4, checkpointEveryEpochs: 0 };

const SCENES: Readonly<Record<string, () => Scene>> = {
  'two workers, one step'() {
    const scene = new Scene({ ...PLAN, minWorkers: 2 }).ready('w1', 'w2');
    scene.wait(800).node('w1', nodeOf('train', 0, 0, 2));
    scene.wait(10).node('w1', nodeOf('train', 0, 0, 2));
    scene.wait(20).node('w2', nodeOf('train', 0, 2, 2));
    scene.wait(30).applied(0);
    scene.node('w2', nodeOf('train', 0, 2, 2));
    return scene;
  },
  'a finished run whose evaluation is known ends without a worker'() {
    const scene = new Scene(PLAN, {
      version: new Scene(PLAN).run.totalSteps,
      known: ['test'],
    });
    scene.tell({ type: 'tick' });
    return scene;
  },
  'with a validation split the best version is tested, once'() {
    const scene = new Scene(VALIDATED).ready('w1');
    playOn(scene, 'w1');
    return scene;
  },
  'a resume at the end tests the best version, or the last where that is gone'() {
    const best = { version: 2, accuracy: 0.75 };
    const scene = new Scene(VALIDATED, { version: 4, known: ['validate'], best }).ready('w1');
    scene.tell({ type: 'versionRestored', version: 2, isThere: false });
    scene.node('w1', { ...nodeOf('test', 4, 0, 2), version: 2 });
    scene.node('w1', nodeOf('test', 4, 0, 2));
    return scene;
  },
  'a worker dies'() {
    const scene = new Scene(PLAN).ready('w1', 'w2').wait(400);
    scene.node('w1', nodeOf('train', 0, 0, 4)).applied(0);
    scene.wait(200).node('w1', nodeOf('train', 1, 0, 2));
    scene.tell({ type: 'workerGone', worker: 'w2' });
    scene.wait(200).node('w1', nodeOf('train', 1, 2, 2));
    return scene;
  },
  'a silent worker is dropped'() {
    const scene = new Scene(PLAN).ready('w1').wait(PLAN.silenceMs);
    scene.tell({ type: 'tick' });
    scene.wait(1).tell({ type: 'tick' });
    scene.ready('w2');
    return scene;
  },
  'a straggler'() {
    const scene = new Scene({ ...PLAN, minWorkers: 2 }).ready('w1', 'w2');
    scene.wait(100).node('w1', nodeOf('train', 0, 0, 2));
    scene.wait(150).tell({ type: 'tick' });
    scene.wait(200).tell({ type: 'tick' });
    scene.wait(100).node('w1', nodeOf('train', 0, 2, 2));
    scene.wait(50).node('w2', nodeOf('train', 0, 2, 2));
    scene.applied(0);
    return scene;
  },
  'a lease lapses'() {
    const scene = new Scene({ ...PLAN, minWorkers: 2, leaseMs: 250 }).ready('w1', 'w2');
    scene.wait(200).node('w1', nodeOf('train', 0, 0, 2));
    scene.wait(51).tell({ type: 'tick' });
    scene.wait(10).node('w2', nodeOf('train', 0, 2, 2));
    return scene;
  },
  'below the minimum'() {
    const scene = new Scene({ ...PLAN, minWorkers: 2 }).ready('w1').wait(50).ready('w2');
    scene.tell({ type: 'workerGone', worker: 'w2' });
    scene
      .wait(400)
      .node('w1', nodeOf('train', 0, 0, 4))
      .applied(0);
    scene.ready('w3');
    return scene;
  },
  'messages are lost'() {
    const scene = new Scene(PLAN).ready('w1');
    const beat = { type: 'heartbeat', worker: 'w1' } as const;
    scene.wait(1_000).tell({ ...beat, assignment: 0, leavesOpen: 0 });
    scene.wait(1_000).tell({ ...beat, assignment: 0, leavesOpen: 0 });
    scene.wait(1_000).tell({ ...beat, assignment: 1, leavesOpen: 4 });
    scene.wait(1_000).tell({ ...beat, assignment: 1, leavesOpen: 0 });
    scene.ready('w1');
    return scene;
  },
  'from a resume to the end'() {
    const scene = new Scene(PLAN, { version: 2 }).ready('w1');
    playOn(scene, 'w1');
    return scene;
  },
};

it.each(Object.keys(SCENES))('%s', async (name) => {
  const { transcript } = SCENES[name]!();
  await expect(transcript).toMatchFileSnapshot(`transcripts/${name.replaceAll(/\W+/g, '-')}.txt`);
});

it('a run that is resumed goes through the rounds of an unbroken one', () => {
  const eventsAfter = (version: number) => {
    const best = version < 2 ? undefined : { version: 2, accuracy: 0.5 };
    const scene = new Scene(PLAN, { version, best }).ready('w1');
    playOn(scene, 'w1');
    const said = scene.transcript.matchAll(
      /^ +((?:applyStep|saveCheckpoint|report\w+|finish).*)/gm,
    );
    return Array.from(said, ([, effect]) => effect);
  };
  const unbroken = eventsAfter(0);
  for (const version of [1, 2, 3]) {
    const first = unbroken.findIndex((effect) => effect!.startsWith(`applyStep ${version},`));
    const steps = (effects: (string | undefined)[]) =>
      effects.slice(effects.findIndex((e) => e!.startsWith('applyStep')));
    expect(steps(eventsAfter(version))).toEqual(unbroken.slice(first));
  }
});

it('before any is measured, a worker of three devices gets three times the leaves of one', () => {
  const scene = new Scene({
    ...PLAN,
    minWorkers: 2,
    batchSize: 64,
    trainSamples: 64,
    microBatch: 4,
  });
  scene.tell({ type: 'workerReady', worker: 'w1', slots: 3 });
  scene.tell({ type: 'workerReady', worker: 'w2' });
  const assigned = scene
    .tell({ type: 'tick' })
    .flatMap((effect) =>
      effect.type === 'assign' ? [[effect.worker, ...effect.assignment.ranges]] : [],
    );
  expect(assigned).toEqual([
    ['w1', { first: 0, count: 12 }],
    ['w2', { first: 12, count: 4 }],
  ]);
});

it('a burst of a hundred joins is planned for once', () => {
  const scene = new Scene({ ...PLAN, minWorkers: 1 });
  const workers = Array.from({ length: 100 }, (_, index) => `w${index}`);
  const early = workers.flatMap((worker) => scene.tell({ type: 'workerReady', worker }));
  expect(early).toEqual([]);
  const assigned = scene.tell({ type: 'tick' }).filter(({ type }) => type === 'assign');
  expect(assigned).toHaveLength(scene.run.numLeaves);
});
