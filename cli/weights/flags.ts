/** @file Flags and help of `tessera weights`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  jsonOption,
  setOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera weights` and returns it, so that more commands can be added below it. */
export function addWeights(program: Command): Command {
  const weights = addCommand(
    program,
    'weights',
    GROUPS.models,
    'Pretrained weights of any library',
  );
  examples(weights, 'What a file holds; a run for Hugging Face', [
    'tessera weights inspect vit_b_16.pth',
    'tessera weights convert runs/food vit-food --to huggingface',
  ]);
  addInspect(weights);
  addConvert(weights);
  return weights;
}

function addInspect(weights: Command): void {
  const inspect = addCommand(
    weights,
    'inspect <path>',
    'Commands:',
    'Library, model and tensors of some weights',
  )
    .option('--tensors', 'List every tensor')
    .addOption(weightsKeyOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(inspect, 'A PyTorch file', ['tessera weights inspect vit_b_16.pth --tensors']);
  inspect.action(async (path, options) =>
    (await import('./inspect.ts')).inspectWeights({ ...options, path }),
  );
}

function addConvert(weights: Command): void {
  const convert = addCommand(
    weights,
    'convert <path> <out>',
    'Commands:',
    'Write a model for another library',
  )
    .addOption(
      new Option('--to <format>', 'What to write')
        .choices(['timm', 'torchvision', 'huggingface', 'onnx'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--dtype <type>', 'How numbers are stored')
        .choices(['f32', 'f16', 'bf16'])
        .default('f32'),
    )
    .option('--classes <file>', 'Names of the classes, one a line, for bare weights')
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(convert, 'A folder for transformers; a file for ONNX Runtime', [
    'tessera weights convert runs/food vit-food --to huggingface',
    'tessera weights convert vit_b_16.pth vit.onnx --to onnx',
  ]);
  convert.action(async (path, out, options) =>
    (await import('./convert.ts')).convertWeights({ ...options, path, out }),
  );
}
