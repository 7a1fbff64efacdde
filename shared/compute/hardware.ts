/** @file Which hardware an engine wants and whether it is there, told cheaply: from names in /dev and /sys. */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { EngineChoice } from './program.ts';

/**
 * Kernel drivers of displays without a GPU behind them: what draws there is software (llvmpipe, SwiftShader),
 * slower than the CPU provider. Source  the Linux kernel's drivers/gpu/drm.
 */
const VIRTUAL_DISPLAYS: ReadonlySet<string> = new Set([
  'bochs-drm',
  'cirrus',
  'qxl',
  'simple-framebuffer',
  'vboxvideo',
  'vgem',
  'virtio-pci',
  'virtio_gpu',
  'vkms',
  'vmwgfx',
]);

/** Whether an engine runs on a GPU. */
export function needsGpu({ name, provider }: EngineChoice): boolean {
  return name === 'tfjs-node-gpu' || (name === 'onnxruntime' && provider !== 'cpu');
}

/** Which hardware is not there, as far as Linux shows it below `root`; undefined when nothing is known to miss. */
export function missingHardware(choice: EngineChoice, root = '/'): string | undefined {
  if (!needsGpu(choice) || process.platform !== 'linux') return undefined;
  const devices = listFolder(join(root, 'dev'));
  const hasNvidia = devices.some((name) => /^nvidia\d+$/.test(name)) || devices.includes('dxg');
  if (hasNvidia) return undefined;
  if (choice.provider !== 'webgpu') return 'no NVIDIA GPU is visible';
  const renderers = listFolder(join(root, 'dev/dri')).filter((name) => name.startsWith('renderD'));
  if (renderers.length === 0) return 'no GPU is visible';
  const drivers = renderers.map((name) => driverOf(join(root, 'sys/class/drm', name)));
  return drivers.every((driver) => VIRTUAL_DISPLAYS.has(driver))
    ? `no GPU is visible, only a virtual display (${drivers.join(', ')})`
    : undefined;
}

/** Kernel driver of a render node; '' when it cannot be told. */
function driverOf(node: string): string {
  try {
    return basename(readlinkSync(join(node, 'device/driver')));
  } catch {
    return '';
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
