/**
 * @file The CUDA provider of ONNX Runtime, where `tessera engines add onnxruntime-cuda` has put it.
 *
 * ONNX Runtime looks for its providers beside its own library, and they for CUDA's libraries in the places of the
 * system. The engine's folder has a copy of that library beside the provider, and CUDA's libraries. Opened by their
 * paths before `onnxruntime-node` is imported, they are what it and the provider then find, by their names.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import { findDevices, visibleGpus } from '../../machine/devices.ts';
import { type InstalledEngine, installedFor } from './installed.ts';

/** The library of ONNX Runtime, by the name that its binding opens. */
export const ONNXRUNTIME_LIBRARY = 'libonnxruntime.so.1';

/** In the order in which one needs the other; the provider opens those of cuDNN and NVRTC when it first needs them. */
const CUDA_LIBRARIES = [
  'libcudart.so.13',
  'libcublasLt.so.13',
  'libcublas.so.13',
  'libcurand.so.10',
  'libnvrtc.so.13',
  'libcudnn.so.9',
];

/** Node closes what is not an addon; this keeps the library open. Source  dlfcn.h of Linux. */
const RTLD_NODELETE = 0x1000;

/** The version of the installed onnxruntime-node, and the folder of its library on this machine. */
export function onnxruntimePackage(): { readonly version: string; readonly folder: string } {
  const load = createRequire(import.meta.url);
  const manifest = load.resolve('onnxruntime-node/package.json');
  const bin = join(dirname(manifest), 'bin');
  const [binding = ''] = readdirSync(bin);
  const folder = join(bin, binding, process.platform, process.arch);
  return { version: load(manifest).version, folder };
}

/**
 * Opens the installed provider's libraries; without one, nothing: the provider may lie in the package.
 *
 * Throws  ENGINE_UNAVAILABLE when it is of another version than onnxruntime-node, or a library does not open.
 */
export async function openCudaLibraries(): Promise<void> {
  const engine = await installedFor('onnxruntime-cuda', process.env);
  if (engine === undefined) return;
  const { version } = onnxruntimePackage();
  if (engine.version !== version) {
    throw unfit(
      engine,
      `is of version ${engine.version}, onnxruntime-node of ${version}`,
      undefined,
    );
  }
  const cuda = join(engine.folder, 'nvidia/cu13/lib');
  const cudnn = join(engine.folder, 'nvidia/cudnn/lib');
  for (const name of CUDA_LIBRARIES) {
    openLibrary(engine, join(name.startsWith('libcudnn') ? cudnn : cuda, name));
  }
  openLibrary(engine, join(engine.path, ONNXRUNTIME_LIBRARY));
}

/**
 * The devices that a program computes on, by the number that CUDA has for each, and what they are; all that CUDA shows
 * unless some are named.
 *
 * Throws  ENGINE_UNAVAILABLE when one is not there.
 */
export async function cudaDevices(
  named: readonly number[] | undefined,
): Promise<{ readonly devices: readonly number[]; readonly kind: string }> {
  const { gpus } = await findDevices();
  const visible = visibleGpus(gpus.length, process.env['CUDA_VISIBLE_DEVICES']);
  const devices = named ?? (visible.length === 0 ? [0] : [...visible.keys()]);
  const absent = devices.find((device) => device >= visible.length);
  // Behind WSL nothing is known of them.
  if (absent !== undefined && visible.length > 0) {
    const sentence = `onnxruntime-cuda has no device ${absent}: CUDA shows ${visible.length}, numbered from 0`;
    throw new TesseraError('ENGINE_UNAVAILABLE', sentence, { hint: 'give other --devices' });
  }
  const kinds = devices.map((device) => gpus[Number(visible[device])] ?? 'NVIDIA GPU');
  return { devices, kind: [...new Set(kinds)].join(' and ') };
}

/** Opens a library for as long as the process lives. Throws  ENGINE_UNAVAILABLE, with the reason of the system. */
export function openLibrary(engine: Pick<InstalledEngine, 'name'>, path: string): void {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    // It is open, and not an addon: that is all that Node can say.
    if (error instanceof Error && error.message.includes('did not self-register')) return;
    throw unfit(engine, `does not open: ${TesseraError.from(error).sentence}`, error);
  }
}

function unfit({ name }: Pick<InstalledEngine, 'name'>, reason: string, cause: unknown) {
  return new TesseraError('ENGINE_UNAVAILABLE', `the installed ${name} ${reason}`, {
    hint: `tessera engines remove ${name}, then tessera engines add ${name}`,
    cause,
  });
}
