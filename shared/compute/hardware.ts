/** @file Whether the hardware that an engine needs is there, by a cheap look: at names in /dev and /sys. */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What an engine may need: a GPU of one maker, any GPU, or a TPU. */
export type Hardware = 'nvidia' | 'amd' | 'intel' | 'gpu' | 'tpu';

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

/** Kernel drivers of Intel's GPUs. */
const INTEL_DRIVERS: ReadonlySet<string> = new Set(['i915', 'xe']);

/** Says which hardware is missing, as far as Linux shows it below `root`; undefined when none is known to be. */
export function missingHardware(needs: Hardware | undefined, root = '/'): string | undefined {
  if (needs === undefined || process.platform !== 'linux') return undefined;
  const devices = listFolder(join(root, 'dev'));
  switch (needs) {
    case 'nvidia':
      return hasNvidia(devices) ? undefined : 'no NVIDIA GPU is visible';
    case 'amd':
      return devices.includes('kfd') ? undefined : 'no AMD GPU is visible';
    case 'intel':
      return driversBelow(root).some((driver) => INTEL_DRIVERS.has(driver))
        ? undefined
        : 'no Intel GPU is visible';
    case 'tpu': {
      const groups = listFolder(join(root, 'dev/vfio'));
      const isThere =
        devices.some((name) => /^accel\d+$/.test(name)) ||
        groups.some((name) => /^\d+$/.test(name));
      return isThere ? undefined : 'no TPU is visible';
    }
    case 'gpu':
      return hasNvidia(devices) ? undefined : missingRenderer(root);
  }
}

/** Whether NVIDIA's driver is there, or Windows's behind WSL. */
function hasNvidia(devices: readonly string[]): boolean {
  return devices.some((name) => /^nvidia\d+$/.test(name)) || devices.includes('dxg');
}

/** Why nothing can draw or compute; undefined when something can. */
function missingRenderer(root: string): string | undefined {
  const drivers = driversBelow(root);
  if (drivers.length === 0) return 'no GPU is visible';
  return drivers.every((driver) => VIRTUAL_DISPLAYS.has(driver))
    ? `no GPU is visible, only a virtual display (${drivers.join(', ')})`
    : undefined;
}

/** Kernel drivers of all render nodes. */
function driversBelow(root: string): string[] {
  const renderers = listFolder(join(root, 'dev/dri')).filter((name) => name.startsWith('renderD'));
  return renderers.map((name) => driverOf(join(root, 'sys/class/drm', name)));
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
