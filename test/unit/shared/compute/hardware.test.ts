/** @file Which GPUs are seen, in made-up trees of /dev and /sys. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { missingHardware } from '../../../../shared/compute/hardware.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A machine with the given devices; render nodes come with their kernel drivers. */
function machine(devices: string[], renderers: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'tessera-hardware-'));
  roots.push(root);
  const place = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  for (const name of devices) writeFileSync(place(`dev/${name}`), '');
  for (const [name, driver] of Object.entries(renderers)) {
    writeFileSync(place(`dev/dri/${name}`), '');
    symlinkSync(`/sys/drivers/${driver}`, place(`sys/class/drm/${name}/device/driver`));
  }
  return root;
}

describe.skipIf(process.platform !== 'linux')('hardware', () => {
  it('is not missed by an engine that runs on the CPU', () => {
    expect(missingHardware(undefined, machine([]))).toBeUndefined();
  });

  it('of NVIDIA serves CUDA and WebGPU', () => {
    const root = machine(['nvidia0']);
    expect(missingHardware('nvidia', root)).toBeUndefined();
    expect(missingHardware('gpu', root)).toBeUndefined();
  });

  it('of another maker serves WebGPU only', () => {
    const root = machine(['null'], { renderD128: 'virtio-pci', renderD129: 'amdgpu' });
    expect(missingHardware('nvidia', root)).toBe('no NVIDIA GPU is visible');
    expect(missingHardware('gpu', root)).toBeUndefined();
  });

  it('of AMD, of Intel and a TPU are known by their drivers', () => {
    const amd = machine(['kfd'], { renderD128: 'amdgpu' });
    const intel = machine([], { renderD128: 'xe' });
    expect(missingHardware('amd', amd)).toBeUndefined();
    expect(missingHardware('intel', intel)).toBeUndefined();
    expect(missingHardware('amd', intel)).toBe('no AMD GPU is visible');
    expect(missingHardware('intel', amd)).toBe('no Intel GPU is visible');
    for (const device of ['accel0', 'vfio/0']) {
      expect(missingHardware('tpu', machine([device]))).toBeUndefined();
    }
    expect(missingHardware('tpu', machine(['vfio/vfio']))).toBe('no TPU is visible');
  });

  it('is missing where nothing is, and where a virtual display would draw in software', () => {
    expect(missingHardware('gpu', machine([]))).toBe('no GPU is visible');
    expect(missingHardware('gpu', machine([], { renderD128: 'virtio-pci' }))).toMatch(
      /only a virtual display \(virtio-pci\)/,
    );
  });
});
