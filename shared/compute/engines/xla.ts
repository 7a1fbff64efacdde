/** @file The engines of XLA, one for each kind of device. Their plugins are installed by `tessera engines add`. */
import { TesseraError } from '../../core/errors.ts';
import type { Hardware } from '../hardware.ts';
import type { Engine } from './engine.ts';
import type { InstalledEngine } from './installed.ts';
import type { XlaEngine } from './xla/open.ts';

const engine = <P extends XlaEngine['platform']>(
  platform: P,
  package_: string,
  { needs, onlyByName = false }: { readonly needs?: Hardware; readonly onlyByName?: boolean },
) => {
  const id = `xla-${platform}` as const;
  const hint = `tessera engines add ${package_}`;
  return {
    id,
    title: `xla ${platform}`,
    name: 'xla',
    provider: platform,
    ...(needs && { needs }),
    onlyByName,
    isFragile: true,
    precisions: ['f32', 'tf32', 'bf16'],
    hint,
    lacking: async () => ((await pluginOf(id)) === undefined ? lackOf(id) : undefined),
    plugin: async () => (await pluginOf(id))?.name,
    async compile(spec, options) {
      const plugin = await pluginOf(id);
      if (plugin === undefined) {
        throw new TesseraError('ENGINE_UNAVAILABLE', await lackOf(id), { hint });
      }
      const anyVersion = process.env['TESSERA_XLA_ANY_VERSION'] === '1';
      const { compileForXla } = await loadBinding();
      return compileForXla(spec, { ...options, id, platform, plugin, anyVersion });
    },
  } as const satisfies Engine;
};

/** The installed plugin of an engine. */
async function pluginOf(id: string): Promise<InstalledEngine | undefined> {
  return (await loadInstalled()).installedFor(id, process.env);
}

async function lackOf(id: string): Promise<string> {
  const { enginesFolder } = await loadInstalled();
  return `no plugin of ${id} is installed in ${enginesFolder(process.env)}`;
}

/** Late: this file is loaded for `--help`. */
const loadInstalled = () => import('./installed.ts');

/** Throws  ENGINE_UNAVAILABLE where koffi, an optional package, is missing or does not load. */
async function loadBinding() {
  try {
    return await import('./xla/program.ts');
  } catch (error) {
    const reason = TesseraError.from(error).sentence.split('\n')[0];
    throw new TesseraError('ENGINE_UNAVAILABLE', `the binding to XLA does not load: ${reason}`, {
      hint: 'npm install koffi',
      cause: error,
    });
  }
}

export const XLA_CUDA = engine('cuda', 'xla-cuda13', { needs: 'nvidia' });
export const XLA_ROCM = engine('rocm', 'xla-rocm7', { needs: 'amd' });
export const XLA_ONEAPI = engine('oneapi', 'xla-oneapi', { needs: 'intel' });
export const XLA_TPU = engine('tpu', 'xla-tpu', { needs: 'tpu' });
/** For tests: what comes with the package is as fast. */
export const XLA_CPU = engine('cpu', 'xla-cpu', { onlyByName: true });
