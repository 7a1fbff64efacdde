/**
 * @file Engines that `tessera engines add` knows by name: which wheels of a Python package index they are made of.
 *
 * A wheel is a zip, and the index publishes its SHA-256. No Python is needed: only the native libraries are used.
 */

/** One wheel, pinned to the version that was tried or that fits the others. */
export interface KnownWheel {
  readonly project: string;
  readonly version: string;
  /** The tag of the one to take where there is one for each version of Python; the libraries in all are the same. */
  readonly python?: string;
}

/** What an engine's folder is called, and what `tessera engines add` is given. */
export type EngineAddition =
  | 'xla-cuda13'
  | 'xla-cuda12'
  | 'xla-rocm7'
  | 'xla-oneapi'
  | 'xla-tpu'
  | 'xla-cpu'
  | 'tensorflow'
  | 'tensorflow-cpu'
  | 'onnxruntime-cuda';

/** One engine that can be added. */
export interface KnownEngine {
  readonly name: EngineAddition;
  readonly description: string;
  readonly license: string;
  /** Id of the engine of the registry that it is for. */
  readonly engine: string;
  /** `process.arch` of the machines that there are wheels for, all of Linux with glibc. */
  readonly machines: readonly string[];
  /** The main one first. */
  readonly wheels: readonly [KnownWheel, ...KnownWheel[]];
  /** The plugin within the unpacked wheels; where there is none, a build step makes what is loaded. */
  readonly library?: string;
  /** What a user must have or accept, said before anything is downloaded. */
  readonly notices: readonly string[];
}

const X64 = ['x64'] as const;
const X64_AND_ARM = ['x64', 'arm64'] as const;
const NVIDIA_LICENSE = "NVIDIA's libraries: NVIDIA Software License Agreement";
const NVIDIA_NOTICE = "to add it accepts NVIDIA's license: https://docs.nvidia.com/cuda/eula/";

const wheel = (project: string, version: string): KnownWheel => ({ project, version });

/**
 * What XLA opens on an NVIDIA GPU: products (cuBLAS), attention (cuDNN, which compiles with NVRTC), several GPUs
 * (NCCL), assembler and linker (ptxas and nvlink of nvcc, libdevice of NVVM).
 *
 * Left out of what JAX installs: cuFFT, cuSOLVER, cuSPARSE, NVSHMEM and CUPTI, 850 MB in all. XLA opens each at the
 * first operation that needs it, and a ViT has no Fourier transform, no decomposition, no sparse matrix and no profiler.
 */
const CUDA13: readonly KnownWheel[] = [
  wheel('nvidia-cublas', '13.10.0.20'),
  wheel('nvidia-cudnn-cu13', '9.28.0.42'),
  wheel('nvidia-nccl-cu13', '2.32.3'),
  wheel('nvidia-cuda-nvrtc', '13.5.37'),
  wheel('nvidia-cuda-runtime', '13.5.37'),
  wheel('nvidia-nvjitlink', '13.5.37'),
  wheel('nvidia-cuda-nvcc', '13.5.37'),
  wheel('nvidia-nvvm', '13.5.37'),
];

/** The same for CUDA 12, where NVVM is a part of nvcc. */
const CUDA12: readonly KnownWheel[] = [
  wheel('nvidia-cublas-cu12', '12.9.2.10'),
  wheel('nvidia-cudnn-cu12', '9.28.0.42'),
  wheel('nvidia-nccl-cu12', '2.32.3'),
  wheel('nvidia-cuda-nvrtc-cu12', '12.9.86'),
  wheel('nvidia-cuda-runtime-cu12', '12.9.79'),
  wheel('nvidia-nvjitlink-cu12', '12.9.86'),
  wheel('nvidia-cuda-nvcc-cu12', '12.9.86'),
];

/** What TensorFlow opens besides: all of its libraries, at the start. */
const CUDA12_MATH: readonly KnownWheel[] = [
  wheel('nvidia-cufft-cu12', '11.4.1.4'),
  wheel('nvidia-curand-cu12', '10.3.10.19'),
];
const CUDA12_SOLVERS: readonly KnownWheel[] = [
  wheel('nvidia-cusolver-cu12', '11.7.5.82'),
  wheel('nvidia-cusparse-cu12', '12.5.10.65'),
  wheel('nvidia-cuda-cupti-cu12', '12.9.79'),
];

/** Every name of `tessera engines add`. */
export const KNOWN_ENGINES: readonly KnownEngine[] = [
  {
    name: 'xla-cuda13',
    description: 'XLA for NVIDIA GPUs, CUDA 13: Turing and newer',
    license: `Apache-2.0; ${NVIDIA_LICENSE}`,
    engine: 'xla-cuda',
    machines: X64_AND_ARM,
    wheels: [wheel('jax-cuda13-pjrt', '0.12.0.1'), ...CUDA13],
    library: 'jax_plugins/xla_cuda13/xla_cuda_plugin.so',
    notices: ["needs NVIDIA's driver, version 580 or newer", NVIDIA_NOTICE],
  },
  {
    name: 'xla-cuda12',
    description: 'XLA for NVIDIA GPUs, CUDA 12: Maxwell to Hopper, older drivers',
    license: `Apache-2.0; ${NVIDIA_LICENSE}`,
    engine: 'xla-cuda',
    machines: X64_AND_ARM,
    // The last one: JAX has ended its packages for CUDA 12.
    wheels: [wheel('jax-cuda12-pjrt', '0.12.0.1'), ...CUDA12],
    library: 'jax_plugins/xla_cuda12/xla_cuda_plugin.so',
    notices: ["needs NVIDIA's driver, version 525 or newer", NVIDIA_NOTICE],
  },
  {
    name: 'xla-rocm7',
    description: 'XLA for AMD GPUs, ROCm 7',
    license: 'Apache-2.0',
    engine: 'xla-rocm',
    machines: X64,
    wheels: [wheel('jax-rocm7-pjrt', '0.12.0')],
    library: 'jax_plugins/xla_rocm7/xla_rocm_plugin.so',
    notices: [
      "needs AMD's ROCm 7 in /opt/rocm (hip, rocBLAS, hipBLASLt, MIOpen, RCCL), which is not downloaded",
    ],
  },
  {
    name: 'xla-oneapi',
    description: 'XLA for Intel GPUs, oneAPI',
    license: 'Apache-2.0',
    engine: 'xla-oneapi',
    machines: X64,
    wheels: [wheel('jax-oneapi-pjrt', '0.11.2')],
    library: 'jax_plugins/xla_oneapi/xla_oneapi_plugin.so',
    notices: [
      "needs Intel's oneAPI runtime (SYCL, MKL, MPI, Level Zero), which is not downloaded: source its setvars.sh first",
    ],
  },
  {
    name: 'xla-tpu',
    description: 'XLA for Google Cloud TPUs',
    license: 'Google Cloud Platform Terms of Service',
    engine: 'xla-tpu',
    machines: X64,
    wheels: [{ ...wheel('libtpu', '0.0.52'), python: 'cp312' }],
    library: 'libtpu/libtpu.so',
    notices: [
      'to add it accepts the Google Cloud Platform Terms of Service: https://cloud.google.com/terms',
      'works on a Cloud TPU VM alone',
    ],
  },
  {
    name: 'xla-cpu',
    description: 'XLA on the CPU, for tests',
    license: 'Apache-2.0',
    engine: 'xla-cpu',
    machines: X64,
    wheels: [wheel('lammps-jax-pjrt-cpu', '0.11.2')],
    library: 'lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so',
    notices: [
      "for tests: a third party's build of XLA (the lammps-jax project), not faster than onnxruntime on a CPU",
    ],
  },
  {
    name: 'tensorflow',
    description: 'tfjs-node-gpu on TensorFlow 2.21 for NVIDIA GPUs, CUDA 12',
    license: `Apache-2.0; ${NVIDIA_LICENSE}`,
    engine: 'tfjs-node-gpu',
    machines: X64,
    wheels: [
      { ...wheel('tensorflow', '2.21.0'), python: 'cp311' },
      ...CUDA12,
      ...CUDA12_MATH,
      ...CUDA12_SOLVERS,
    ],
    notices: [
      "needs NVIDIA's driver, version 525 or newer, a C++ compiler and the headers of Node.js",
      NVIDIA_NOTICE,
    ],
  },
  {
    name: 'tensorflow-cpu',
    description: 'tfjs-node-gpu on TensorFlow 2.21 for the CPU, for tests',
    license: 'Apache-2.0',
    engine: 'tfjs-tensorflow',
    machines: X64,
    wheels: [{ ...wheel('tensorflow-cpu', '2.21.0'), python: 'cp311' }],
    notices: ['needs a C++ compiler and the headers of Node.js'],
  },
  {
    name: 'onnxruntime-cuda',
    description: 'the CUDA provider of ONNX Runtime, CUDA 13',
    license: `MIT; ${NVIDIA_LICENSE}`,
    engine: 'onnxruntime-cuda',
    machines: X64,
    // Of the version of onnxruntime-node; this wheel is of CUDA 13.
    wheels: [
      { ...wheel('onnxruntime-gpu', '1.30.0'), python: 'cp311' },
      wheel('nvidia-cublas', '13.10.0.20'),
      wheel('nvidia-cudnn-cu13', '9.28.0.42'),
      wheel('nvidia-cuda-nvrtc', '13.5.37'),
      wheel('nvidia-cuda-runtime', '13.5.37'),
      wheel('nvidia-curand', '10.4.5.25'),
    ],
    notices: ["needs NVIDIA's driver, version 580 or newer", NVIDIA_NOTICE],
  },
];
