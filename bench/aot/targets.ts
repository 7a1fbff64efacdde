/** @file Descriptions of GPUs that are not here: CUDA's plugin has those of the common ones inside. */
import { readFile } from 'node:fs/promises';

/** What these benches compile for, by the plugin's names. */
export const H100 = 'NVIDIA H100 80GB HBM3';

/**
 * The description of a GPU, a GpuTargetConfigProto as text.
 *
 * Throws  when the plugin has none of that name.
 */
export async function targetConfig(plugin: string, gpu: string): Promise<string> {
  const library = await readFile(plugin);
  const at = library.indexOf(`device_description_str: "${gpu}"`);
  if (at < 0) throw new Error(`${plugin} has no description of ${gpu}`);
  return library.subarray(library.lastIndexOf(0, at) + 1, library.indexOf(0, at)).toString();
}
