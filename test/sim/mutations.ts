/**
 * @file Bugs to plant in the product's own source, to see that the simulator finds them.
 *
 * `SIM_MUTATION=NAME npm run sim` compiles with one of them; a mutation whose text is gone fails loudly.
 */

/** One planted bug. */
export interface Mutation {
  /** What the bug would be, in words. */
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Words of the test that finds it; that of whole worlds unless given. */
  readonly test?: string;
}

/** Of the test of launches, `launch.test.ts`. */
const LAUNCHES = 'every faulty launch';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'skip-the-checksum',
    file: 'shared/contract/chunks.ts',
    find: 'if (this.#copy(chunk) !== chunk.crc32)',
    replace: 'if (this.#copy(chunk) === -1)',
  },
  {
    name: 'merge-before-complete',
    file: 'shared/contract/chunks.ts',
    find: 'if (missing > 0) throw',
    replace: 'if (missing < 0) throw',
  },
  {
    name: 'take-values-that-are-no-numbers',
    file: 'shared/core/floats.ts',
    find: 'return signs >= 0;',
    replace: 'return signs >= 0 || true;',
  },
  {
    name: 'announce-before-the-checkpoint',
    file: 'coordinator/loop.ts',
    find: 'const saved = await checkpointer.save(store);',
    replace:
      "this.dispatch({ type: 'checkpointWritten', version }); const saved = await checkpointer.save(store);",
  },
  {
    name: 'take-stale-nodes',
    file: 'coordinator/core/round.ts',
    find: 'if (node.kind !== kind || node.step !== stepIndex || node.version !== version)',
    replace: 'if (node.kind !== kind)',
  },
  {
    name: 'count-a-node-twice',
    file: 'coordinator/core/round.ts',
    find: "? 'accepted' : 'acceptedBefore'",
    replace: "? 'accepted' : 'accepted'",
  },
  {
    name: 'never-remind',
    file: 'coordinator/core/open-round.ts',
    find: 'nowMs - member.sentMs >= this.#plan.remindMs',
    replace: 'nowMs < 0',
  },
  {
    name: 'never-take-back-what-a-lost-worker-held',
    file: 'coordinator/core/leasing.ts',
    find: 'const isHeld = (leaf: number) => members.some((member) => member.leaves.has(leaf));',
    replace:
      'const isHeld = (leaf: number) => this.#options.round.place.numLeaves > 0 && members.length > 0 && leaf >= 0;',
  },
  {
    name: 'answer-any-version',
    file: 'coordinator/step/evaluations.ts',
    find: 'if (version === store.version) return store;',
    replace: 'if (version >= 0) return store;',
  },
  {
    name: 'keep-the-sum-of-the-step-before',
    file: 'coordinator/step/step.ts',
    find: 'this.#sum = undefined;\n',
    replace: '',
  },
  {
    name: 'step-without-a-sample',
    file: 'coordinator/step/step.ts',
    find: 'const { samples } = totals;',
    replace: 'const samples = Math.max(1, totals.samples);',
  },
  {
    name: 'choose-the-best-by-the-test',
    file: 'coordinator/core/plan.ts',
    find: "return plan.validationSamples > 0 ? 'validate' : 'test';",
    replace: "return plan.validationSamples > 1e9 ? 'validate' : 'test';",
  },
  {
    name: 'touch-the-test-set-early',
    file: 'coordinator/core/plan.ts',
    find: "if (isEnd && judging === 'validate' && plan.testSamples > 0)",
    replace: "if (judging === 'validate' && isEvaluationDue(plan, version))",
  },
  {
    name: 'test-the-last-instead-of-the-best',
    file: 'coordinator/core/best.ts',
    find: 'this.#best.version !== newest;',
    replace: 'this.#best.version > newest;',
  },
  {
    name: 'the-later-of-two-equals-is-best',
    file: 'coordinator/core/best.ts',
    find: 'accuracy > (this.#best?.accuracy',
    replace: 'accuracy >= (this.#best?.accuracy',
  },
  {
    name: 'save-the-best-only-when-it-is-due',
    file: 'coordinator/core/run.ts',
    find: "if (isBest && kind === 'validate' &&",
    replace: "if (isBest && kind !== 'validate' &&",
  },
  {
    name: 'forget-the-best-at-a-resume',
    file: 'coordinator/begin/build.ts',
    find: 'best: progress.best,',
    replace: 'best: undefined,',
  },
  {
    name: 'validate-with-training-samples',
    file: 'shared/core/work.ts',
    find: "validate: 'validation', test: 'test' }",
    replace: "validate: 'train', test: 'test' }",
  },
  {
    name: 'train-on-validation-samples',
    file: 'worker/leaves/feeder.ts',
    find: 'new SampleStore(read, ',
    replace:
      "new SampleStore((split, some) => split === 'train' && sizes.validation > 9 ? read('validation', some.map((index) => index % 9)) : read(split, some), ",
  },
  {
    name: 'resume-one-step-too-far',
    file: 'coordinator/begin/build.ts',
    find: 'const version = resumed?.step ?? 0;',
    replace: 'const version = resumed === undefined ? 0 : resumed.step + 1;',
  },
  {
    name: 'never-flush-files',
    file: 'shared/files/files.ts',
    find: 'await file.flush();',
    replace: '',
  },
  {
    name: 'never-flush-the-folder-of-checkpoints',
    file: 'shared/files/files.ts',
    find: 'await work(temporary);\n    await disk.flushFolder(parent);',
    replace: 'await work(temporary);',
  },
  {
    name: 'believe-that-folders-are-durable',
    file: 'shared/files/files.ts',
    find: 'if (known.has(folder)) return;',
    replace: 'if (known.size >= 0) return;',
  },
  {
    name: 'prune-the-newest-checkpoint',
    file: 'shared/runs/checkpoint/retention.ts',
    find: 'reached.slice(keep)',
    replace: 'reached.slice(keep - 1)',
  },
  {
    name: 'give-up-the-only-checkpoint',
    file: 'shared/runs/checkpoint/retention.ts',
    find: 'step < newestStep && step !== bestStep',
    replace: 'step <= newestStep && step !== bestStep',
  },
  {
    name: 'compute-with-the-parameters-at-hand',
    file: 'worker/core/wanted-parameters.ts',
    find: 'wanted.version === inPlace?.version &&',
    replace: 'inPlace !== undefined &&',
  },
  {
    name: 'evaluate-what-was-rounded-for-training',
    file: 'worker/core/wanted-parameters.ts',
    find: "(wanted.valueType ?? 'f32') === (inPlace.valueType ?? 'f32')",
    replace: 'true',
  },
  {
    name: 'round-what-travels-alone',
    file: 'coordinator/step/step.ts',
    find: 'sums: this.#gradients',
    replace: "sums: 'f32'",
  },
  {
    name: 'wait-for-ever-on-a-dead-line',
    file: 'worker/core/session.ts',
    find: 'if (wasStopped || silentMs <= this.#silenceMs) return;',
    replace: 'if (wasStopped || silentMs >= 0) return;',
  },
  {
    name: 'ask-a-broken-engine-again',
    file: 'worker/driver.ts',
    find: 'const onRefused = (error: unknown) => this.#leave(TesseraError.from(error));',
    replace: "const onRefused = () => this.#dispatch({ type: 'pushFailed', task });",
  },
  {
    name: 'pull-catches-every-error',
    file: 'worker/driver.ts',
    find: 'const passing = passingError(thrown);\n      const level',
    replace: 'const passing: ReturnType<typeof passingError> = {};\n      const level',
  },
  {
    name: 'prefetched-for-whatever-is-wanted',
    file: 'worker/pulls.ts',
    find: 'isInPlace(wanted, ahead.wanted)',
    replace: '(isInPlace(wanted, ahead.wanted) || wanted.version > 0)',
  },
  {
    name: 'never-lose-patience',
    file: 'worker/core/patience.ts',
    find: 'return nowMs - this.#sinceMs >= this.#limitMs;',
    replace: 'return nowMs - this.#sinceMs >= 1e12 * this.#limitMs;',
  },
  {
    name: 'parameters-are-never-looked-at',
    file: 'shared/training/optimizer.ts',
    find: '  return areFinite;',
    replace: '  return areFinite || true;',
  },
  {
    name: 'push-what-is-not-finite',
    file: 'worker/driver.ts',
    find: 'if (node.broken !== undefined)',
    replace: "if (node.broken === '')",
  },
  {
    name: 'count-no-error-twice',
    file: 'coordinator/core/failures.ts',
    find: 'return isAnothersToo || (same.length > 0 && isAlone) ? failure.error : undefined;',
    replace: 'return isAnothersToo && same.length > 1e9 ? failure.error : undefined;',
  },
  {
    name: 'one-error-ends-the-run',
    file: 'coordinator/core/failures.ts',
    find: 'return isAnothersToo || (same.length > 0 && isAlone)',
    replace: 'return isAnothersToo || same.length >= 0',
  },
  {
    name: 'count-errors-over-rounds',
    file: 'coordinator/core/run.ts',
    find: '    this.#failures.clear();\n',
    replace: '',
  },
  {
    name: 'wait-for-ever-for-another-worker',
    file: 'coordinator/core/failures.ts',
    find: 'if (isAlone) this.#unanswered = failure.error;',
    replace: '',
  },
  {
    name: 'lose-the-cause',
    file: 'worker/driver.ts',
    find: 'this.#line.leave(reportOf(error));',
    replace: "this.#line.leave({ ...reportOf(error), code: 'INTERNAL' });",
  },
  {
    name: 'blame-the-worker-for-wrong-bytes',
    file: 'worker/exchange/refusals.ts',
    find: "thrown.code === 'NON_FINITE' ? 'passing' : ",
    replace: "thrown.code === 'NON_FINITE' ? ERROR_CODES.NON_FINITE.retry : ",
  },
  {
    name: 'know-a-run-by-its-whole-config',
    file: 'worker/line.ts',
    find: 'const { runId: run,',
    replace: 'const { configJson: run,',
  },
  {
    name: 'shuffle-every-epoch-alike',
    file: 'worker/leaves/round-samples.ts',
    find: 'epoch: place.epoch,',
    replace: 'epoch: 0,',
  },
  {
    name: 'never-say-that-nothing-moves',
    file: 'coordinator/core/stall.ts',
    find: 'if (afterMs < dueMs) return undefined;',
    replace: 'if (afterMs >= 0) return undefined;',
  },
  {
    name: 'say-that-nothing-moves-and-not-who-holds-what',
    file: 'coordinator/report/stalls.ts',
    find: 'const held = run.heldBy(known.worker);',
    replace: "const held = run.heldBy('');",
  },
  {
    name: 'judge-a-lock-by-host-and-pid',
    file: 'shared/runs/lock/file.ts',
    find: "return found.boot !== '' && found.boot === me.boot && found.table === me.table;",
    replace: 'return found.host === me.host;',
  },
  {
    name: 'take-a-copied-lock-for-a-live-one',
    file: 'shared/runs/lock/file.ts',
    find: 'if (made === undefined || made.folder === now.folder)',
    replace: 'if (made !== undefined || now !== undefined)',
  },
  {
    name: 'take-a-young-lock-without-watching-it',
    file: 'shared/runs/lock/age.ts',
    find: 'return leftMs === 0 ||',
    replace: 'return leftMs >= 0 ||',
  },
  {
    name: 'respect-the-lock-of-the-dead',
    file: 'shared/runs/lock/age.ts',
    find: "if (judged.standing !== 'unsure') return true;",
    replace: "if (judged.standing !== 'unsure') throw inUse(path, judged);",
  },
  {
    name: 'train-on-without-the-lock',
    file: 'shared/runs/lock/kept.ts',
    find: 'this.#watcher?.lost(holderWords(now));',
    replace: '',
  },
  {
    name: 'remove-a-run-without-asking-its-lock',
    file: 'shared/runs/lock/run-lock.ts',
    find: 'const lock = await lockForRemoval(runFolder, options, disk);\n  try {',
    replace: 'const lock = undefined as Awaited<ReturnType<typeof lockForRemoval>>;\n  try {',
  },
  {
    name: 'believe-done-before-the-lock',
    file: 'shared/runs/reader/read.ts',
    find: 'if (holder !== undefined)',
    replace: "if (holder !== undefined && lastPhase !== 'done')",
  },
  {
    name: 'save-without-asking-whose-the-run-is',
    file: 'shared/runs/lock/kept.ts',
    find: 'if (now !== undefined && this.#isOfAnother(now)) throw inUse(this.#path, now);',
    replace: '',
  },
  {
    name: 'restart-beyond-the-budget',
    file: 'launch/supervisor.ts',
    find: 'this.#restartsUsed < restarts)',
    replace: 'this.#restartsUsed <= restarts)',
    test: LAUNCHES,
  },
  {
    name: 'restart-after-the-stop',
    file: 'launch/supervisor.ts',
    find: 'if (this.#isOver) return [];',
    replace: "if (this.#isOver && event.type === 'stop') return [];",
    test: LAUNCHES,
  },
  {
    name: 'restart-without-a-pause',
    file: 'launch/supervisor.ts',
    find: 'untilMs: nowMs + pauseMs',
    replace: 'untilMs: nowMs + 0 * pauseMs',
    test: LAUNCHES,
  },
  {
    name: 'never-restart',
    file: 'launch/supervisor.ts',
    find: 'nowMs >= slot.untilMs',
    replace: 'nowMs >= 1e9 * slot.untilMs',
    test: LAUNCHES,
  },
  {
    name: 'restart-for-a-run-that-ends',
    file: 'launch/supervisor.ts',
    find: 'if (!event.run.isEnding)',
    replace: 'if (event.run.step >= 0)',
    test: LAUNCHES,
  },
  {
    name: 'wait-without-workers',
    file: 'launch/supervisor.ts',
    find: 'if (alive > 0 && alive + others >= minWorkers)',
    replace: 'if (alive >= 0 && alive + others >= minWorkers - 1)',
    test: LAUNCHES,
  },
  {
    name: 'end-the-run-for-one-bad-worker',
    file: 'launch/supervisor.ts',
    find: "if (others.atWork > 0) return isTwiceItsOwn ? 'abandon' : 'startAgain';",
    replace: "if (others.atWork > 1e9 || isTwiceItsOwn) return 'end';",
    test: LAUNCHES,
  },
  {
    name: 'try-an-error-of-the-run-again-and-again',
    file: 'launch/supervisor.ts',
    find: 'if (isShared || (isTwiceItsOwn && others.alive === 0))',
    replace: 'if (isShared && others.alive > 1e9)',
    test: LAUNCHES,
  },
  {
    name: 'hand-an-executable-out-before-the-disk-has-it',
    file: 'coordinator/executables/keeper.ts',
    find: 'await writeFileAtomically(path, executablePieces(id, bytes, sum.sha256), disk);',
    replace:
      'void writeFileAtomically(path, executablePieces(id, bytes, sum.sha256), disk).catch(() => {}); this.#unsaved.set(digest, bytes);',
  },
  {
    name: 'keep-the-turn-of-a-dead-worker',
    file: 'coordinator/core/executables.ts',
    find: 'return !this.#isHere(owner) || nowMs',
    replace: 'return nowMs',
  },
  {
    name: 'use-an-own-executable-silently',
    file: 'worker/exchange/run-executables.ts',
    find: "if (pushed?.outcome !== 'otherKept') return bytes;",
    replace: 'if (bytes.length > 0) return bytes;',
  },
  {
    name: 'take-a-line-of-a-log-twice',
    file: 'coordinator/workers/worker-logs.ts',
    find: 'if (number <= before) continue;',
    replace: '',
  },
  {
    name: 'forget-lines-that-have-not-arrived',
    file: 'worker/core/log-ring.ts',
    find: 'const room = fitting(this.#lines);',
    replace:
      'const room = fitting(this.#lines); queueMicrotask(() => this.acknowledge(this.#lines[0]?.number ?? 0));',
  },
];

/** A plugin of vite that plants a bug. Throws  when there is none of that name, or its text is gone. */
export function planting(name: string) {
  const mutation = MUTATIONS.find((known) => known.name === name);
  if (mutation === undefined) throw new Error(`no mutation ${name}`);
  const { file, find, replace } = mutation;
  return {
    name: 'planted-bug',
    enforce: 'pre' as const,
    transform(code: string, id: string) {
      if (!id.endsWith(`/${file}`)) return undefined;
      if (!code.includes(find)) throw new Error(`mutation ${name}: ${file} has no "${find}"`);
      return code.replace(find, () => replace);
    },
  };
}
