/** @file How many threads of a worker make images. */
import { expect, it } from 'vitest';
import { isOnCpu } from '../../../../shared/compute/engines/options.ts';
import { decodersOf } from '../../../../shared/data/pipeline/threads/decoders.ts';

it.each([
  { engine: 'onnxruntime-cpu', cores: 1, decoders: 1 },
  { engine: 'onnxruntime-cpu', cores: 8, decoders: 1 },
  { engine: 'xla-cpu 0.10.2 cpu', cores: 20, decoders: 3 },
  { engine: 'onnxruntime-cuda', cores: 16, decoders: 15 },
  { engine: 'xla-cuda 0.10.2 NVIDIA H200', cores: 1, decoders: 1 },
  { engine: 'xla-cuda 0.10.2 NVIDIA H200', cores: 192, decoders: 64 },
])('$decoders for $engine with $cores cores', ({ engine, cores, decoders }) => {
  const place = { cores, isOnCpu: isOnCpu(engine) };
  expect(decodersOf({ wanted: 'auto', ...place })).toBe(decoders);
  expect(decodersOf({ wanted: 0, ...place })).toBe(0);
});
