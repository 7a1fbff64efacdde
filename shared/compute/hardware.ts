/** @file Whether the hardware that an engine needs is there, by a cheap look: at names in /dev and /sys. */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What an engine may need: a GPU that CUDA runs on, or any. */
export type Hardware = 'nvidia' | 'gpu';

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

/** Says which hardware is missing, as far as Linux shows it below `root`; undefined when none is known to be. */
export function missingHardware(needs: Hardware | undefined, root = '/'): string | undefined {
  if (needs === undefined || process.platform !== 'linux') return undefined;
  const devices = listFolder(join(root, 'dev'));
  const hasNvidia = devices.some((name) => /^nvidia\d+$/.test(name)) || devices.includes('dxg');
  if (hasNvidia) return undefined;
  if (needs === 'nvidia') return 'no NVIDIA GPU is visible';
  const renderers = listFolder(join(root, 'dev/dri')).filter((name) => name.startsWith('renderD'));
  if (renderers.length === 0) return 'no GPU is visible';
  const drivers = renderers.map((name) => driverOf(join(root, 'sys/class/drm', name)));
  return drivers.every((driver) => VIRTUAL_DISPLAYS.has(driver))
    ? `no GPU is visible, only a virtual display (${drivers.join(', ')})`
    : undefined;
}

/** Kernel driver of a render node; '' when it cannot be read. */
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
