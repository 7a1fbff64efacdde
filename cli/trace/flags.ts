/** @file Flags and help of `tessera trace`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addCommand, examples, GROUPS, notes, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera trace`. */
export function addTrace(program: Command): void {
  const trace = addCommand(
    program,
    'trace [run]',
    GROUPS.look,
    'What each worker did when, as a file for Perfetto',
  )
    .addOption(
      new Option('--steps <from:to>', 'Steps to show, both included').argParser(parseSteps),
    )
    .option('--out <file>', 'Where to write it (default: trace.json in the run folder)')
    .addOption(verboseOption());
  examples(trace, 'Of a run that trains or has ended', [
    'tessera trace',
    'tessera trace runs/food --steps 100:200',
  ]);
  notes(trace, [
    'Open the file in https://ui.perfetto.dev or https://www.speedscope.app; both',
    'read it on your machine. A run keeps the newest 200,000 records or so.',
  ]);
  trace.action(async (run, options) => (await import('./trace.ts')).runTrace({ ...options, run }));
}

function parseSteps(text: string) {
  const [, from, to] = /^(\d{1,12}):(\d{1,12})$/.exec(text) ?? [];
  if (from === undefined || Number(from) > Number(to)) {
    throw new InvalidArgumentError('It is FROM:TO, such as 100:200.');
  }
  return { from: Number(from), to: Number(to) };
}
