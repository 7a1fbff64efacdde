/** @file Which wheels this machine can use: Linux with glibc, of a version and a kind of processor. */
import { TesseraError } from '../../../shared/core/errors.ts';

/** What decides whether a wheel fits. */
export interface WheelPlatform {
  /** `process.arch`. */
  readonly machine: string;
  /** Of glibc: `[2, 36]`. */
  readonly glibc: readonly [major: number, minor: number];
}

const HINT =
  'these engines are native libraries for Linux with glibc (Debian, Ubuntu, Fedora, ...); onnxruntime runs here without them';

/**
 * The platform of this process.
 *
 * Throws  ENGINE_UNAVAILABLE where there are no wheels for it: macOS, Windows, musl.
 */
export function wheelPlatform(
  platform: string = process.platform,
  machine: string = process.arch,
  glibc = glibcVersion(),
): WheelPlatform {
  if (platform !== 'linux') {
    const name = { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform;
    throw new TesseraError('ENGINE_UNAVAILABLE', `there are no such engines for ${name}`, {
      hint: HINT,
    });
  }
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(glibc) ?? [];
  if (major === undefined || minor === undefined) {
    throw new TesseraError(
      'ENGINE_UNAVAILABLE',
      'there are no such engines for Linux with musl (Alpine)',
      { hint: HINT },
    );
  }
  return { machine, glibc: [Number(major), Number(minor)] };
}

/** The version of glibc that Node.js runs on; '' with another C library. */
function glibcVersion(): string {
  const { header } = process.report.getReport() as unknown as {
    readonly header?: { readonly glibcVersionRuntime?: string };
  };
  return header?.glibcVersionRuntime ?? '';
}
