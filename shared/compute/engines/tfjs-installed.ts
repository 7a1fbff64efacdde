/**
 * @file TensorFlow.js on an installed TensorFlow: kernels and addon of tfjs-node-gpu, loaded from the engine's folder.
 *
 * The package's own entry is not used: it loads all of TensorFlow.js a second time. Its kernels import
 * `@tensorflow/tfjs-core`, which in the engine's folder is an empty module (`tools/engines/tensorflow.ts`); ours is put
 * into it, so that there is one TensorFlow.js in the process.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { TesseraError } from '../../core/errors.ts';
import * as tf from '../../model/tensorflow.ts';
import type { InstalledEngine } from './installed.ts';

/** What the addon exports, as far as it is used here; the backend takes it whole. */
interface Addon {
  /** `2.21.0`. */
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
}

type NodeBackend = new (addon: Addon, packageName: string) => tf.KernelBackend;

/** TensorFlow, as it was loaded. */
export interface LoadedTensorFlow {
  readonly version: string;
  readonly isOnGpu: boolean;
  /** Of one operator on the CPU. */
  readonly threads: number;
}

/** Name under which the kernels are registered; the package has it written into each of them. */
const BACKEND = 'tensorflow';

/** A process has one TensorFlow, which reads its settings once. */
let loaded: { readonly folder: string; readonly tensorflow: LoadedTensorFlow } | undefined;

/**
 * Loads an installed TensorFlow and registers its backend; a second call returns what the first has loaded.
 *
 * Throws  ENGINE_UNAVAILABLE when the process has another one; what Node says when it does not load.
 */
export function loadInstalled(engine: InstalledEngine, threads: number): LoadedTensorFlow {
  if (loaded?.folder === engine.folder) return loaded.tensorflow;
  if (loaded !== undefined || tf.findBackendFactory(BACKEND)) {
    throw new TesseraError('ENGINE_UNAVAILABLE', 'this process has loaded another TensorFlow', {
      hint: 'use one engine of TensorFlow in a process',
    });
  }
  setEnvironment(threads);
  const load = createRequire(join(engine.path, 'dist/index.js'));
  checkVersion(load('../package.json').version, engine);
  // The addon first: what fails, fails before a kernel is registered.
  const addon: Addon = load('../tfjs_binding.node');
  Object.assign(load('@tensorflow/tfjs-core'), tf.library);
  load('./register_all_kernels');
  const { NodeJSKernelBackend } = load('./nodejs_kernel_backend') as {
    NodeJSKernelBackend: NodeBackend;
  };
  tf.registerBackend(BACKEND, () => new NodeJSKernelBackend(addon, '@tensorflow/tfjs-node-gpu'));
  const { TF_Version: version } = addon;
  const tensorflow = { version, isOnGpu: addon.isUsingGpuDevice(), threads };
  loaded = { folder: engine.folder, tensorflow };
  return tensorflow;
}

/** Kernels of one version call functions of TensorFlow.js that another may not have. */
function checkVersion(version: string, { name }: InstalledEngine): void {
  const ours = tf.version_core;
  if (version === ours) return;
  throw new TesseraError(
    'ENGINE_UNAVAILABLE',
    `the installed ${name} is of TensorFlow.js ${version}, this Tessera of ${ours}`,
    { hint: `tessera engines remove ${name}, then tessera engines add ${name}` },
  );
}

/**
 * TensorFlow's settings, which it reads from the environment of the process.
 *
 * In a thread this is the process's own environment only where the thread shares it (`SHARE_ENV`), as the compute
 * thread of a worker does.
 */
function setEnvironment(threads: number): void {
  const { env } = process;
  // One for an operator, and operators one after the other, as they are called.
  env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  env['TF_NUM_INTEROP_THREADS'] = '1';
  // Its products have the same bits for any number of threads; those of Eigen, the default elsewhere, do not.
  if (process.arch === 'x64') env['TF_ENABLE_ONEDNN_OPTS'] = '1';
  // Same bits in every run, and float32 in earnest: by default cuBLAS and cuDNN round operands to TF32.
  env['TF_DETERMINISTIC_OPS'] = '1';
  env['NVIDIA_TF32_OVERRIDE'] = '0';
  // Several workers may share a GPU; by default the first takes all of its memory.
  env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // Errors alone; the notice that oneDNN is on comes before TensorFlow reads this.
  env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
}
