/** @file `tessera engines list`: what can be added, what is installed, and whether it works. */
import type { Engine } from '../../shared/compute/engines/engine.ts';
import { enginesFolder } from '../../shared/compute/engines/installed.ts';
import { ENGINES } from '../../shared/compute/engines/registry.ts';
import { missingHardware } from '../../shared/compute/hardware.ts';
import { formatBytes } from '../../shared/core/units.ts';
import { findDevices } from '../../shared/machine/devices.ts';
import { type EngineRow, listEngines } from '../../tools/engines/list.ts';
import { typable } from '../terminal/command-text.ts';
import { pointer, print, printJson, say } from '../terminal/output.ts';
import { formatTable } from '../terminal/table.ts';

/** Shows all engines. */
export async function runEnginesList({ json }: { readonly json?: true }): Promise<void> {
  const folder = enginesFolder(process.env);
  const { numThreads } = await findDevices();
  const rows = await listEngines(folder, numThreads);
  if (json) printJson({ schema: 'engines-list/1', folder, engines: rows.map(rowJson) });
  else {
    print(engineLines(rows));
    const next = rows.some(({ installed }) => installed !== undefined) ? undefined : fittingHint();
    if (next !== undefined) say(pointer('next', typable(next)));
  }
}

/** What to type to get the engine of XLA for the accelerator that is here, if there is one. */
function fittingHint(): string | undefined {
  const isHere = ({ name, needs }: Engine) =>
    name === 'xla' && needs !== undefined && missingHardware(needs) === undefined;
  return process.platform === 'linux' ? ENGINES.find(isHere)?.hint : undefined;
}

/** The rows as a table. */
export function engineLines(rows: readonly EngineRow[]): readonly string[] {
  const columns = [
    { title: 'NAME' },
    { title: 'VERSION' },
    { title: 'SIZE', align: 'right' },
    { title: 'WORKS' },
    { title: 'WHAT' },
  ] as const;
  const cells = rows.map(({ name, description, installed, bytes, trial }) => [
    name,
    installed?.version ?? '-',
    installed === undefined ? '-' : formatBytes(bytes),
    trial === undefined ? '-' : trial.works ? 'yes' : 'no',
    trial === undefined ? `${description} (not installed)` : trial.reason,
  ]);
  return formatTable(columns, cells);
}

function rowJson({ name, description, installed, bytes, trial }: EngineRow) {
  const { version = null, engine = null, folder = null } = installed ?? {};
  const isThere = installed !== undefined;
  const { works = null, reason = null, hint = null } = trial ?? {};
  return {
    name,
    description,
    installed: isThere,
    version,
    engine,
    folder,
    bytes,
    works,
    reason,
    hint,
  };
}
