/** @file The batch script of `launch slurm`: what it asks for, and that bash gets every word as it was given. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { jobName, type SlurmJob, slurmScript } from '../../../launch/slurm/script.ts';
import { slurmTime } from '../../../launch/slurm/time.ts';
import { exitCodeRows } from '../../../shared/machine/exit-codes.ts';
import { hostileWords } from '../../support/hostile-words.ts';

const JOB: SlurmJob = {
  ...{ name: 'digits', nodes: 2, more: [], variables: {} },
  program: ['tessera'],
  args: ['up', 'quickstart'],
};
const optionsOf = (job: Partial<SlurmJob>) =>
  [...slurmScript({ ...JOB, ...job }).matchAll(/^#SBATCH --(.*)$/gm)].map(([, option]) => option);

/** A folder with programs of these lines, in place of Slurm's. */
function standIns(programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-script-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, line] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  }
  return folder;
}

describe('the batch script', () => {
  it('asks for what was given, and lets another option of the user win', () => {
    const options = optionsOf({
      ...{ nodes: 3, gpusPerNode: 4, cpusPerNode: 8, partition: 'gpu', account: 'vision' },
      ...{ time: slurmTime('12h'), more: ['--qos=high', 'exclusive', 'job-name=other'] },
    });
    expect(options).toEqual([
      ...['job-name=digits', 'nodes=3', 'ntasks-per-node=1', 'cpus-per-task=8', 'gpus-per-node=4'],
      ...['partition=gpu', 'account=vision', 'time=12:00:00', 'requeue', 'open-mode=append'],
      ...['signal=TERM@60', 'qos=high', 'exclusive', 'job-name=other'],
    ]);
    expect(optionsOf({ time: slurmTime('1') })).toContain('signal=TERM@15');
  });

  it('is a whole bash script whose cases are those of the table of exit codes', () => {
    const script = slurmScript(JOB);
    execFileSync('bash', ['-n'], { input: script });
    const cases = [...script.matchAll(/^ {4}([\d |]+)\)/gm)].map(([, codes = '']) =>
      codes.split(' | '),
    );
    const codes = (wanted: string) =>
      exitCodeRows().flatMap(({ code, restart }) => (restart === wanted ? [String(code)] : []));
    expect(cases).toEqual([codes('always'), [...codes('limited'), '137', '143']]);
  });

  it('starts the line with every word as it was given, and variables too', () => {
    const args = hostileWords(1_000, 19);
    const [, line = ''] = slurmScript({ ...JOB, args }).match(/ tessera (.*) &\nstep=/s) ?? [];
    const printed = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    expect(printed.split('\0').slice(0, -1)).toEqual(args);
    const variables = { TESSERA_SET: `name=it's,\n"x"` };
    const exported =
      slurmScript({ ...JOB, variables }).match(/^export TESSERA_SET=.*$/m)?.[0] ?? '';
    const value = execFileSync('bash', ['-c', `${exported}; printf %s "$TESSERA_SET"`], {
      encoding: 'utf8',
    });
    expect(value).toBe(variables.TESSERA_SET);
  });

  it('is queued again after each save, and after three failures since the last one', () => {
    const programs = { srun: 'exit "$CODE"', scontrol: 'echo "$*" >> asked', squeue: 'echo x' };
    const folder = standIns(programs);
    const isQueuedAfter = (code: number) => {
      const env = {
        PATH: `${folder}:${process.env['PATH']}`,
        CODE: String(code),
        SLURM_JOB_ID: '7',
      };
      rmSync(join(folder, 'asked'), { force: true });
      const { status } = spawnSync('bash', [], { input: slurmScript(JOB), cwd: folder, env });
      expect(status).toBe(code);
      return existsSync(join(folder, 'asked'));
    };
    const codes = [70, 75, 75, 75, 75, 143, 70, 137, 70];
    expect(codes.map(isQueuedAfter)).toEqual([...codes.slice(1).map(() => true), false]);
    expect([78, 70, 0].map(isQueuedAfter)).toEqual([false, true, false]);
    expect(readdirSync(folder).sort()).toEqual(Object.keys(programs).sort());
  });

  it.each([
    ['2030-01-01T00:00:00', '1893456000'],
    ['N/A', ''],
    ['NONE', ''],
    // It could not be asked.
    ['', ''],
  ])('where squeue says that the job ends at %j, the run is told %j', (said, told) => {
    const folder = standIns({
      srun: 'printf "<%s>" "$SLURM_JOB_END_TIME"',
      squeue: `echo "${said}"`,
    });
    const env = { PATH: `${folder}:${process.env['PATH']}`, SLURM_JOB_ID: '7', TZ: 'UTC' };
    const ended = spawnSync('bash', [], { input: slurmScript(JOB), cwd: folder, env });
    expect(String(ended.stdout)).toBe(`<${told}>`);
  });

  it.each([['a\nb'], ['=x'], ['comment=a\n#SBATCH --wrap=id'], ['Nodes'], ['']])(
    '%j is refused as an option',
    (option) =>
      expect(() => slurmScript({ ...JOB, more: [option] })).toThrow(/not an option of sbatch/),
  );

  it.each([
    ['quickstart', 'quickstart'],
    ['my photos (2)', 'my-photos-2-'],
    ['--x', 'x'],
    ['\n', 'tessera'],
    ['Vögel', 'Vögel'],
  ])('the name %j becomes %j', (text, name) => expect(jobName(text)).toBe(name));
});

describe('a time limit', () => {
  it.each([
    ['90', '90', 5400],
    ['90:30', '90:30', 5430],
    ['2:00:00', '2:00:00', 7200],
    ['1-12', '1-12', 129_600],
    ['1-12:30', '1-12:30', 131_400],
    ['1-00:00:30', '1-00:00:30', 86_430],
    ['12h', '12:00:00', 43_200],
    ['90m', '01:30:00', 5400],
    ['3d', '72:00:00', 259_200],
    ['unlimited', 'UNLIMITED', undefined],
  ])('%s is %s for Slurm, %s seconds', (text, written, seconds) =>
    expect(slurmTime(text)).toEqual({ text: written, seconds }),
  );

  it.each(['', '0', 'soon', '1:2:3:4', '-5', '2w', '1-'])('%j is refused', (text) =>
    expect(slurmTime(text)).toBeUndefined(),
  );
});
