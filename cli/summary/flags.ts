/** @file Flags and help of `tessera summary`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ENGINE_NAMES, PROVIDER_NAMES } from '../../shared/compute/engines/registry.ts';
import { PRECISIONS } from '../../shared/model/precision.ts';
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
  );
  summary
    .addOption(setOption())
    .addOption(
      new Option('--batch <images>', 'Images at a time').argParser(parseWholeCount).default(1),
    )
    .addOption(
      new Option('--memory', 'Memory of a leaf on this machine, as its compiler reports it'),
    )
    .addOption(
      new Option(
        '--graph [file.onnx]',
        'Operations of a training step, with their cost; writes them to a file where one is named',
      ).argParser(parseGraphFile),
    );
  addLeafOptions(summary)
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
    '# How many images fit, in bfloat16',
    'tessera summary B/16 --memory --micro-batch auto --precision bf16',
    '# What a step is made of: a table, each operation, a file for Netron',
    'tessera summary B/16 --batch 8 --graph',
    'tessera summary B/16 --batch 8 --graph --json',
    'tessera summary B/16 --batch 8 --graph step.onnx',
  ]);
  summary.action(async (model, options) =>
    (await import('./summary.ts')).runSummary({ ...options, model }),
  );
}

/** What a leaf is, where memory or operations are shown. */
function addLeafOptions(summary: Command): Command {
  return summary
    .addOption(
      new Option(
        '--micro-batch <images>',
        "Images of a leaf, or with --memory auto (default: the config's, else --batch)",
      ).argParser(parseMicroBatch),
    )
    .addOption(
      new Option('--engine <name>', "With --memory: the engine (default: the config's)").choices(
        ENGINE_NAMES,
      ),
    )
    .addOption(
      new Option('--provider <name>', 'With --memory: of onnxruntime or xla').choices(
        PROVIDER_NAMES,
      ),
    )
    .addOption(
      new Option('--precision <name>', "With --memory (default: the config's, else f32)").choices(
        PRECISIONS,
      ),
    )
    .addOption(
      new Option(
        '--recompute <what>',
        "With --memory or --graph (default: the config's, else none)",
      ).choices(['none', 'blocks']),
    );
}

/** `auto`, or a number from 1 on. */
function parseMicroBatch(text: string): number | 'auto' {
  return text === 'auto' ? text : parseWholeCount(text);
}

/** The name of a file to write: a model behind the flag would be taken for one. */
function parseGraphFile(text: string): string {
  if (text.endsWith('.onnx')) return text;
  throw new InvalidArgumentError(
    'expected a file that ends in .onnx; a model stands before --graph',
  );
}
