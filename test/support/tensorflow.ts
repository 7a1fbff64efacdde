/** @file The TensorFlow for CPUs that tests run on, where `tessera engines add tensorflow-cpu` has put one. */
import { enginesFolder, installedEngines } from '../../shared/compute/engines/installed.ts';

/** Says once why what follows is skipped; returns whether tensorflow-cpu is absent. */
export async function lacksTensorflow(what: string): Promise<boolean> {
  const folder = enginesFolder(process.env);
  const engines = await installedEngines(folder);
  if (engines.some(({ engine }) => engine === 'tfjs-tensorflow')) return false;
  process.stderr.write(`skipped: ${what}, there is no tensorflow-cpu in ${folder}\n`);
  return true;
}
