/** @file What the doctor found, as text to paste into a bug report. Pure. */
import type { EngineFinding } from '../../shared/compute/engines/choose.ts';
import { engineOf } from '../../shared/compute/engines/registry.ts';
import type { DeviceReport } from '../../shared/compute/program.ts';
import { formatBytes } from '../../shared/core/units.ts';

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
  readonly engines: readonly EngineFinding[];
}

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

/** The diagnosis as JSON: an engine by the names that a config has for it. */
export function diagnosisJson({ engines, ...found }: Diagnosis) {
  const named = engines.map(({ choice: { id, threads }, ...finding }) => {
    const { name, provider = 'cpu' } = engineOf(id);
    return { choice: { name, provider, threads }, ...finding };
  });
  return { schema: 'doctor/1' as const, ...found, engines: named };
}

function engineLines({ choice, works, reason, hint, devices }: EngineFinding): readonly string[] {
  const { title } = engineOf(choice.id);
  const line = `  ${works ? '✔' : '✖'} ${title.padEnd(18)}  ${reason}`.trimEnd();
  const more = [hint, devices && devicesText(devices)].filter((text) => text !== undefined);
  return [line, ...more.map((text) => `      ${text}`)];
}

/** `8 devices: NVIDIA H200, 512 MiB in use`; memory only where it is known. */
function devicesText({ kind, count, bytesInUse }: DeviceReport): string {
  const memory = bytesInUse === undefined ? '' : `, ${formatBytes(bytesInUse)} in use`;
  return `${count} device${count === 1 ? '' : 's'}: ${kind}${memory}`;
}
