/** @file A run that cannot be read stands alone: it is marked, and the others are shown. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { SAY_PASSED_OVER } from '../../../cli/inputs/found-run.ts';
import { plotCurves } from '../../../cli/plot/curves.ts';
import { runOrigin } from '../../../cli/run/resume.ts';
import { compareRuns } from '../../../cli/runs/compare.ts';
import { listRuns, showRun } from '../../../cli/runs/runs.ts';
import { listLines } from '../../../cli/runs/runs-view.ts';
import { findRun, lastStartedRun } from '../../../shared/runs/reader/find.ts';
import { readRuns } from '../../../shared/runs/reader/read.ts';
import { askedBy } from '../../../tools/operator/ask.ts';
import { smallConfig } from '../../support/config.ts';

const root = mkdtempSync(join(tmpdir(), 'tessera-damaged-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const STEP = {
  ...{ type: 'step', time: '2026-01-01T12:00:00.000Z', step: 7, epoch: 1, loss: 1, accuracy: 1 },
  ...{ learningRate: 1, gradientNorm: 1, imagesPerSecond: 1 },
};

/** A run that ended without a word. */
function aRun(path: string): string {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(smallConfig({})));
  writeFileSync(join(folder, 'identity.json'), '{}');
  writeFileSync(join(folder, 'address'), '');
  writeFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify(STEP)}\n`);
  return folder;
}

/** Does `work` as an account that may not do everything. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return await work();
  process.seteuid?.(65534);
  return await work().finally(() => process.seteuid?.(0));
}

/** What a command prints on stdout, and what it throws. */
async function tried(command: () => Promise<unknown>) {
  let text = '';
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  const error = await command().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { text, error, said: said.mock.calls.join('') };
}

/** What may be the matter with one run of many, the file that is to blame, and the words for it. */
const FAULTS: readonly (readonly [string, string, (folder: string) => void])[] = [
  ['private', 'permission denied', (at) => chmodSync(at, 0)],
  ['secret', 'config.json: permission denied', (at) => chmodSync(join(at, 'config.json'), 0)],
  ['half-made', 'config.json: no such file', (at) => rmSync(join(at, 'config.json'))],
  ['cut', 'config.json: it is empty', (at) => truncateSync(join(at, 'config.json'))],
  ['torn', 'config.json: it is not JSON', (at) => truncateSync(join(at, 'config.json'), 9)],
  ['list', 'config.json: it is not a JSON', (at) => writeFileSync(join(at, 'config.json'), '[]')],
  ['folder', 'metrics.jsonl: it is a folder', (at) => replaced(at, 'metrics.jsonl', mkdirSync)],
  ['endless', 'metrics.jsonl: it is a device', (at) => linked(at, 'metrics.jsonl', '/dev/zero')],
  ['circle', 'metrics.jsonl: the link', (at) => linked(at, 'metrics.jsonl', 'metrics.jsonl')],
  ['huge', 'metrics.jsonl: it has 2.0 GiB, more', (at) => grown(at, 2 * 1024 ** 3)],
  ['no-end', 'metrics.jsonl: 1 line damaged', (at) => grown(at, 8 * 1024 ** 2)],
  ['checkpoints', 'checkpoints: it is a file', (at) => writeFileSync(join(at, 'checkpoints'), '')],
  ['lock', 'coordinator.lock: it is a folder', (at) => mkdirSync(join(at, 'coordinator.lock'))],
];

function replaced(folder: string, name: string, make: (path: string) => void): void {
  rmSync(join(folder, name));
  make(join(folder, name));
}
const linked = (folder: string, name: string, target: string) =>
  replaced(folder, name, (path) => symlinkSync(target, path));
/** One line without an end. */
const grown = (folder: string, bytes: number) => truncateSync(join(folder, 'metrics.jsonl'), bytes);

describe('a list of runs', () => {
  const runsFolder = join(root, 'listed');
  aRun('listed/a-good');
  for (const [name, , damage] of FAULTS) damage(aRun(join('listed', name)));
  aRun('listed/z-good');
  chmodSync(root, 0o755);
  // The folder of this test run, which is its owner's alone.
  if (tmpdir().includes('tessera-test-')) chmodSync(tmpdir(), 0o711);

  it('shows each of them, the damaged marked with what is the matter', async () => {
    const runs = await asNobody(() => readRuns(runsFolder));
    expect(runs.map(({ name }) => name).sort()).toEqual(
      ['a-good', 'z-good', ...FAULTS.map(([name]) => name)].sort(),
    );
    const [head = '', ...lines] = listLines(runs, 0);
    expect(head).toMatch(/AGE +NOTE$/);
    const noteOf = (name: string) =>
      lines.find((line) => line.startsWith(`${name} `))?.slice(head.indexOf('NOTE'));
    for (const [name, words] of FAULTS) expect(noteOf(name)).toContain(words);
    expect([noteOf('a-good'), noteOf('z-good')]).toEqual(['-', '-']);
    // What can be read of it is shown.
    expect(lines.find((line) => line.startsWith('secret '))).toMatch(/killed +1\/- +7 /);
  });

  it('marks them in JSON too, and is no failure', async () => {
    const { text, error } = await tried(() => asNobody(() => listRuns({ runsFolder, json: true })));
    const { runs } = JSON.parse(text);
    expect(error).toBeUndefined();
    const byName = new Map(runs.map((run: { name: string }) => [run.name, run]));
    expect(byName.get('private')).toMatchObject({
      state: 'unknown',
      faults: ['permission denied'],
    });
    expect(byName.get('a-good')).toMatchObject({ state: 'killed', faults: [] });
  });

  it('says when the folder of runs itself cannot be read', async () => {
    await expect(asNobody(() => readRuns(join(runsFolder, 'private')))).rejects.toMatchObject({
      code: 'DATA_INVALID',
    });
    expect(await readRuns(join(root, 'none'))).toEqual([]);
  });

  it('of runs that were named ends with an error after all were shown', async () => {
    const names = ['a-good', 'secret', 'z-good'];
    const compared = await tried(() => asNobody(() => compareRuns({ names, runsFolder })));
    expect(compared.text).toMatch(/step +7 +7 +7/);
    expect(compared.text).not.toContain('training.');
    expect(compared.error).toMatchObject({
      code: 'DATA_INVALID',
      sentence: 'cannot read all of secret (config.json: permission denied)',
    });
    const shown = await tried(() => asNobody(() => showRun({ name: 'half-made', runsFolder })));
    expect(shown.text).toMatch(/Step: +7.*Damaged: +config\.json/s);
    expect(shown.error).toMatchObject({ code: 'DATA_INVALID' });
  });

  it('is drawn without those that cannot be read', async () => {
    const runs = ['a-good', 'endless', 'z-good'].map((name) => join(runsFolder, name));
    const out = join(root, 'curves.svg');
    const { text, error } = await tried(() => plotCurves({ runs, out }));
    expect(text).toBe(`${out}\n`);
    expect(error).toMatchObject({ sentence: expect.stringContaining('1 of 3 runs are not in') });
  });
});

describe('the newest run', () => {
  it('is chosen among those that can be looked into, and which was passed over is said', async () => {
    const runs = join(root, 'newest');
    const good = aRun('newest/r-20260101-120000');
    const later = aRun('newest/r-20290102-120000');
    rmSync(join(later, 'config.json'));
    chmodSync(aRun('newest/r-20290103-120000'), 0);
    const older = aRun('newest/r-20250101-120000');
    chmodSync(older, 0);
    for (const choose of [findRun, lastStartedRun]) {
      renameSync(join(later, 'address'), join(later, 'other'));
      const found = await tried(async () => {
        const options = { ...SAY_PASSED_OVER, runsFolder: runs };
        const chosen = () =>
          choose === findRun ? findRun(undefined, options) : lastStartedRun(options);
        process.stdout.write(basename(await asNobody(chosen)));
      });
      renameSync(join(later, 'other'), join(later, 'address'));
      expect(found.text).toBe(basename(good));
      expect(found.said).toMatch(/passed over: .*20290103.*may not be entered.*20290102.*no such/s);
      expect(found.said).not.toContain(basename(older));
    }
  });

  it('that does not let us know how it stands is not called ended', async () => {
    const run = aRun('unknown');
    linked(run, 'metrics.jsonl', '/dev/zero');
    await expect(askedBy({ run })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: `cannot determine the state of ${run}: metrics.jsonl: it is a device, not a file`,
    });
  });
});

describe('a run to go on with', () => {
  it.each([
    ['made only half', (at: string) => rmSync(join(at, 'config.json')), 'no such file or folder'],
    ['cut off', (at: string) => truncateSync(join(at, 'config.json')), 'it is empty'],
    ['odd', (at: string) => replaced(at, 'config.json', mkdirSync), 'it is a folder, not a file'],
  ])('that is %s is not taken for a preset', async (name, damage, reason) => {
    const resume = aRun(`resumed/${name}`);
    damage(resume);
    await expect(runOrigin({ resume })).rejects.toMatchObject({
      code: 'DATA_INVALID',
      sentence: `cannot resume ${resume}: config.json: ${reason}`,
    });
    expect(await runOrigin({ resume, config: 'own.yaml' })).toMatchObject({ config: 'own.yaml' });
  });
});
