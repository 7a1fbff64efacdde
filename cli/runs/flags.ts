/** @file Flags and help of `tessera runs`. */
import type { Command } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  notes,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera runs` and what is below it. */
export function addRuns(program: Command): void {
  const runs = addCommand(program, 'runs', GROUPS.look, 'List, show, compare and remove runs');
  examples(runs, 'All runs of this folder', ['tessera runs list']);
  addList(runs);
  addShow(runs);
  addCompare(runs);
  addRemove(runs);
}

function addList(runs: Command): void {
  const list = withFlags(addCommand(runs, 'list', GROUPS.look, 'List the runs, the newest first'));
  examples(list, 'Those of another folder', ['tessera runs list --runs-folder /data/runs']);
  notes(list, [
    'A run that cannot be read, or only in part, has a note with the reason',
    '(in JSON: faults). The exit code is 0 then, as of ls: the list is whole.',
    'Commands that runs are named to (show, compare, plot curves) show what can be',
    'read and end with 65.',
  ]);
  list.action(async (options) => (await import('./runs.ts')).listRuns(options));
}

function addShow(runs: Command): void {
  const show = withFlags(
    addCommand(runs, 'show [run]', GROUPS.look, 'All about a run (default: the newest)'),
  );
  examples(show, 'By its folder, its name in runs/, or as much of it as only one has', [
    'tessera runs show quickstart-20260101-120000',
  ]);
  show.action(async (name, options) => (await import('./runs.ts')).showRun({ ...options, name }));
}

function addCompare(runs: Command): void {
  const compare = withFlags(
    addCommand(
      runs,
      'compare <run...>',
      GROUPS.look,
      'Results and settings of runs, and where they part',
    ),
  ).option('--exact', 'End with 1 where parameters differ, and with 65 where none are known');
  examples(compare, 'Two runs side by side', [
    'tessera runs compare quickstart-20260101-120000 quickstart-20260101-130000',
  ]);
  notes(compare, [
    'Each step of a run records two sums of its parameters (of frozen ones too, not',
    'of their moving average). The first step after which these are not those of',
    'the run named first is said, and what differs until then: settings, data set,',
    'first parameters, engines.',
  ]);
  compare.action(async (names, options) => {
    process.exitCode = await (await import('./compare.ts')).compareRuns({ ...options, names });
  });
}

function addRemove(runs: Command): void {
  const remove = withFlags(
    addCommand(runs, 'rm <run...>', GROUPS.look, 'Remove runs that have ended, after asking'),
  ).option('-y, --yes', 'Remove without asking');
  examples(remove, 'Without a question, for scripts', [
    'tessera runs rm --yes quickstart-20260101-120000',
  ]);
  remove.action(async (names, options) =>
    (await import('./remove.ts')).removeRuns({ ...options, names }),
  );
}

function withFlags(command: Command): Command {
  return command
    .option('--runs-folder <folder>', 'Folder that the runs are in', 'runs')
    .addOption(jsonOption())
    .addOption(verboseOption());
}
