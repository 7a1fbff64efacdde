/** @file Flags and help of `tessera summary`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  jsonOption,
  parseWholeCount,
  setOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera summary`. */
export function addSummary(program: Command): void {
  const summary = addCommand(
    program,
    'summary [config-or-model]',
    GROUPS.models,
    'Layers, shapes, parameters and cost of a model',
  )
    .addOption(setOption())
    .addOption(
      new Option('--batch <images>', 'Images at a time').argParser(parseWholeCount).default(1),
    )
    .addOption(
      new Option('--classes <count>', 'Number of classes (default: those of the data)').argParser(
        parseWholeCount,
      ),
    )
    .addOption(
      new Option('--image-size <pixels>', 'Side of the image, with a variant').argParser(
        parseWholeCount,
      ),
    )
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(summary, 'The newest run; a size of the paper; a config; a run', [
    'tessera summary',
    'tessera summary B/16 --classes 3',
    'tessera summary quickstart',
    'tessera summary runs/quickstart-20260101-120000',
  ]);
  summary.action(async (model, options) =>
    (await import('./summary.ts')).runSummary({ ...options, model }),
  );
}
