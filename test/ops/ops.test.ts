/**
 * @file `npm run ops`: situations of operation, each with real processes, in a table.
 *
 * OPS=all plays all, else those of the suite. OPS_REPORT names a file for the table as Markdown. `-t WORDS` picks some.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import type { Ended } from '../support/cluster.ts';
import { CAUSES } from './causes.ts';
import { COLLECTIONS } from './collections.ts';
import { GARBAGE } from './garbage.ts';
import { HINTS } from './hints.ts';
import { LOCKS } from './locks.ts';
import { PERMANENT_ERRORS } from './permanent-errors.ts';
import { PRESENT_STATE } from './present-state.ts';
import { RACES } from './races.ts';
import { SIGNALS } from './signals.ts';
import { gist, judge, PERMANENT_BAR_MS, type Situation } from './situation.ts';
import { Stage } from './stage.ts';
import { markdown, type Row, text } from './table.ts';

const isAll = process.env['OPS'] === 'all';
const SITUATIONS: readonly Situation[] = [
  ...[PERMANENT_ERRORS, CAUSES, PRESENT_STATE, LOCKS, COLLECTIONS, HINTS, SIGNALS, RACES, GARBAGE],
].flat();
const WITHIN_S = 60;
/** To end what is left. */
const CLOSE_MS = 30_000;

const rows: Row[] = [];

for (const [index, situation] of SITUATIONS.entries()) {
  const { kind, title, withinS = WITHIN_S, isShort } = situation;
  if (!isAll && !isShort) continue;
  it(`${kind}: ${title}`, { timeout: withinS * 1000 + CLOSE_MS }, async (context) => {
    const lacking = situation.lacks?.();
    const row = { number: index + 1, kind, title, command: '', code: '', seconds: 0 };
    if (lacking !== undefined) {
      process.stdout.write(`skipped: ${title}: ${lacking}\n`);
      rows.push({ ...row, outcome: `skipped: ${lacking}` });
      context.skip(lacking);
    }
    const stage = new Stage();
    const startedMs = performance.now();
    const seconds = () => (performance.now() - startedMs) / 1000;
    let played: { ended: Ended; command: string } | undefined;
    let fault: unknown;
    try {
      played = await within(withinS, play(stage, situation));
      judge(situation, played.ended);
      expect(stage.lost(), 'files that were to be kept').toEqual([]);
      if (isAll) expect(stage.permanentMs ?? 0).toBeLessThanOrEqual(PERMANENT_BAR_MS);
    } catch (thrown) {
      fault = new Error(`${thrown}\n\n${stage.transcript()}`, { cause: thrown });
    }
    const took = seconds();
    const leftBehind = await stage.close();
    const outcome = [played && gist(situation, played.ended).replaceAll(`${stage.folder}/`, '')];
    outcome.push(...stage.figures);
    rows.push({
      ...row,
      command: played?.command ?? stage.lastCommand,
      outcome: `${fault === undefined ? '' : 'FAILED: '}${outcome.filter(Boolean).join('; ')}`,
      code: String(played?.ended.code ?? played?.ended.signal ?? 'none'),
      seconds: took,
    });
    if (fault !== undefined) throw fault;
    expect(leftBehind, 'processes that nobody ended').toEqual([]);
  });
}

afterAll(() => {
  process.stdout.write(`${text(rows)}\n`);
  const report = process.env['OPS_REPORT'];
  if (report !== undefined) writeFileSync(report, markdown(rows));
});

async function play(stage: Stage, { play }: Situation) {
  const judged = await play(stage);
  return { ended: await judged.ended, command: stage.commandOf(judged) };
}

/** Throws  an Error when it takes longer: a hang. */
function within<T>(limitS: number, under: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`hangs: not within ${limitS} s`)), limitS * 1000);
    void under.then(done, fail).finally(() => clearTimeout(timer));
  });
}
