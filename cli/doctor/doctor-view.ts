/** @file What the doctor found, as text to paste into a bug report. Pure. */
import type { EngineChoice } from '../../shared/compute/program.ts';
import { formatBytes } from '../../shared/core/units.ts';

/** An engine that was tried. */
interface EngineReport {
  readonly choice: EngineChoice;
  readonly works: boolean;
  readonly reason: string;
  /** What to type to get it, when it does not work. */
  readonly hint: string | undefined;
}

/** What the doctor found. */
export interface Diagnosis {
  readonly tessera: string;
  readonly node: string;
  readonly npm: string;
  readonly platform: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly gpus: readonly string[];
  readonly engines: readonly EngineReport[];
}

/** What to type where an engine says that something is missing; the README's section on GPUs has more. */
const REMEDIES: Readonly<Record<string, string>> = {
  'tfjs-node-gpu':
    'npm rebuild @tensorflow/tfjs-node-gpu --ignore-scripts=false (needs CUDA 11 and cuDNN 8)',
  'onnxruntime cuda':
    'npm rebuild onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12',
  'onnxruntime webgpu': 'install a Vulkan, Metal or D3D12 driver for the GPU',
};

/** The diagnosis as text. */
export function diagnosisLines(found: Diagnosis): readonly string[] {
  const fact = (label: string, value: string) => `${label.padEnd(9)} ${value}`;
  const memory = `${formatBytes(found.memoryBytes)}, ${formatBytes(found.freeMemoryBytes)} free`;
  return [
    fact('tessera', found.tessera),
    fact('node', `${found.node}, npm ${found.npm}`),
    fact('platform', found.platform),
    fact('cores', String(found.cores)),
    fact('memory', memory),
    fact('GPUs', found.gpus.length === 0 ? 'none' : found.gpus.join(', ')),
    '',
    'engines, in the order in which "auto" tries them',
    ...found.engines.flatMap(engineLines),
  ];
}

function engineLines({ choice, works, reason, hint }: EngineReport): readonly string[] {
  const name = choice.name === 'onnxruntime' ? `onnxruntime ${choice.provider}` : choice.name;
  const line = `  ${works ? '✔' : '✖'} ${name.padEnd(18)}  ${reason}`.trimEnd();
  return hint === undefined ? [line] : [line, `      ${REMEDIES[name] ?? hint}`];
}
