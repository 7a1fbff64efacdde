/** @file The CUDA provider of ONNX Runtime: out of a wheel, beside a copy of the library that onnxruntime-node has. */
import { access, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ONNXRUNTIME_LIBRARY,
  onnxruntimePackage,
} from '../../shared/compute/engines/onnxruntime-cuda.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { cannotWrite } from '../../shared/files/files.ts';

/** Where the wheel has its libraries. */
const LIBRARIES = 'onnxruntime/capi';
const PROVIDERS = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];

/** Whether an entry of the wheel is needed: the others are Python's, and its own copy of the library. */
export function isNeededOfOnnxruntime(entry: string): boolean {
  const isProvider = PROVIDERS.some((name) => entry === `${LIBRARIES}/${name}`);
  return isProvider || /^[^/]+\.dist-info\//.test(entry) || /LICENSE|ThirdParty/.test(entry);
}

/**
 * Puts the library of onnxruntime-node beside the providers.
 *
 * Throws  DATA_INVALID when the wheel has none, or is of another version; CANNOT_WRITE.
 */
export async function finishOnnxruntime(
  folder: string,
  [main]: readonly { readonly file: string }[],
): Promise<{ library: string; engine: 'onnxruntime-cuda'; version: string }> {
  const { version, folder: own } = onnxruntimePackage();
  const [, found] = main?.file.split('-') ?? [];
  if (found !== version) {
    throw new TesseraError(
      'DATA_INVALID',
      `${main?.file} is of version ${found}, onnxruntime-node of ${version}`,
      { hint: 'a provider works with the library of its own version: install that Tessera again' },
    );
  }
  for (const name of PROVIDERS) {
    await access(join(folder, LIBRARIES, name)).catch((cause: unknown) => {
      throw new TesseraError('DATA_INVALID', `${main?.file} has no ${LIBRARIES}/${name}`, {
        hint: 'take the wheel of onnxruntime-gpu for Linux, as PyPI has it',
        cause,
      });
    });
  }
  const target = join(folder, LIBRARIES, ONNXRUNTIME_LIBRARY);
  await copyFile(join(own, ONNXRUNTIME_LIBRARY), target).catch((error: unknown) => {
    throw cannotWrite(target, error);
  });
  return { library: LIBRARIES, engine: 'onnxruntime-cuda', version };
}
