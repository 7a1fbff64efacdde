/** @file `tessera summary`: the layers of a model, as torchinfo prints them. */
import { requireInputs } from '../../shared/config/absent-inputs.ts';
import { type LoadedConfig, loadConfig } from '../../shared/config/load.ts';
import { resolveModel } from '../../shared/config/rules.ts';
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { openDataSource } from '../../shared/data/sets/open.ts';
import { writeFileAtomically } from '../../shared/files/files.ts';
import { frozenSize } from '../../shared/model/parameters.ts';
import { type ModelConfig, parseVariant } from '../../shared/model/variants.ts';
import type { ReadOptions } from '../../tools/inference/read/read-model.ts';
import type { StepGraph } from '../../tools/inference/step-graph.ts';
import { summarise } from '../../tools/inference/summary.ts';
import { readNamedModel } from '../inputs/model.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { type MemoryOptions, measureMemory, specOf } from './memory.ts';
import { graphLines, memoryLines, summaryLines } from './summary-view.ts';

/** Flags of `summary`. */
export interface SummaryOptions extends MemoryOptions {
  /** A config, a variant such as B/16, or a model; the newest run unless given. */
  readonly model?: string;
  readonly set?: string[];
  readonly batch: number;
  /** Whether the memory of a leaf is measured. */
  readonly memory?: true;
  /** Whether the operations of a training step are shown; a text is the ONNX file to write them to. */
  readonly graph?: true | string;
  /** Number of classes, instead of counting those of the data. */
  readonly classes?: number;
  readonly imageSize?: number;
  /** Attention heads, for weights that do not state them. */
  readonly heads?: number;
  /** Which model of a file that holds several. */
  readonly weightsKey?: string;
  readonly json?: true;
}

/** A model, and the config that it comes from, where it has one. */
interface Found {
  readonly model: ModelConfig;
  readonly config: PlannedConfig | undefined;
}

/** Number of classes where nothing says it: ImageNet's. */
const CLASSES = 1000;
const IMAGE_SIZE = 224;
const VARIANT = /^[A-Z][a-z]?\/\d+$/;

/** Prints the summary. Throws  CONFIG_INVALID or what opening the model throws; with `memory` as `measure` does. */
export async function runSummary(options: SummaryOptions): Promise<void> {
  const { batch, json } = options;
  const { model, config } = await find(options);
  const freeze = config?.model.freeze ?? 'none';
  const summary = summarise(model, { batch, frozen: frozenSize(model, freeze) });
  const memory = options.memory && (await measureMemory(model, config, options));
  const graph = options.graph && (await describeGraph(model, config, options));
  if (json) {
    const asked = { ...(memory && { memory }), ...(graph && { graph }) };
    printJson({ schema: 'summary/1', model, freeze, ...summary, ...asked });
    return;
  }
  const memoryTable = memory ? ['', ...memoryLines(memory)] : [];
  const graphTable = graph ? ['', ...graphLines(graph)] : [];
  print([...summaryLines(summary), ...memoryTable, ...graphTable]);
}

/** The training step of a leaf, also as a file where one is named. Throws  CANNOT_WRITE. */
async function describeGraph(
  model: ModelConfig,
  config: PlannedConfig | undefined,
  options: SummaryOptions,
): Promise<StepGraph> {
  const { batch, graph: file } = options;
  const wanted = options.microBatch ?? config?.training.microBatch ?? batch;
  const microBatch = wanted === 'auto' ? batch : wanted;
  const { stepGraph } = await import('../../tools/inference/step-graph.ts');
  const [graph, encoded] = await stepGraph(specOf(model, config, { ...options, microBatch }));
  if (typeof file === 'string') {
    await writeFileAtomically(file, [encoded()]);
    say(`wrote ${file}: Netron, and any other viewer of ONNX, shows it`);
  }
  return graph;
}

async function find(options: SummaryOptions): Promise<Found> {
  const { model: name, classes, imageSize, heads, weightsKey } = options;
  if (name === undefined) return await ofModel(name, { heads, weightsKey });
  if (VARIANT.test(name)) {
    const input = { imageSize: imageSize ?? IMAGE_SIZE, channels: 3 };
    return {
      model: { ...parseVariant(name), ...input, numClasses: classes ?? CLASSES },
      config: undefined,
    };
  }
  const config = await loadConfig(name, { set: options.set ?? [] }).catch((error: unknown) => {
    // The folder of a run or a checkpoint, and weights, are not a config: they are tried next.
    if (TesseraError.from(error).details['isFile'] === false) return undefined;
    if (/\.(safetensors|pth|pt|bin|ckpt|npz)$/.test(name)) return undefined;
    throw error;
  });
  if (config === undefined) return await ofModel(name, { heads, weightsKey });
  const numClasses = classes ?? (await countClasses(config));
  return { model: resolveModel(config.config, numClasses), config: config.config };
}

async function ofModel(path: string | undefined, options: ReadOptions): Promise<Found> {
  const trained = await readNamedModel(path, options);
  return { model: trained.model, config: trained.config };
}

async function countClasses({ config, baseFolder, inputs }: LoadedConfig) {
  try {
    requireInputs(inputs.filter(({ kind }) => kind === 'data'));
    const source = await openDataSource(config.data, { seed: config.seed, baseFolder });
    return source.classes.length;
  } catch (thrown) {
    const { sentence, hint = 'point --set data.path at the data set' } = TesseraError.from(thrown);
    throw new TesseraError('DATA_INVALID', `the number of classes is not known: ${sentence}`, {
      hint: `give it with --classes; or ${hint}`,
    });
  }
}
