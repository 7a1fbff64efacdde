/** @file A PJRT plugin: a library that drives one kind of device, loaded for the life of the process. */
import { TesseraError } from '../../../core/errors.ts';
import {
  API_HEAD,
  API_VERSIONS,
  type ArgumentsOf,
  ERROR_WORDS,
  FUNCTIONS,
  type FunctionName,
} from './abi.ts';
import {
  copyFrom,
  type Entry,
  entryAt,
  loadLibrary,
  Struct,
  textFrom,
  type Values,
  wordsFrom,
} from './memory.ts';

/** PJRT's word for a failure. */
export type PjrtStatus = (typeof ERROR_WORDS)[number];

/** Failures that a second try on this machine meets again. */
const LASTING: ReadonlySet<PjrtStatus> = new Set<PjrtStatus>([
  ...(['INVALID_ARGUMENT', 'NOT_FOUND', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED'] as const),
  ...(['FAILED_PRECONDITION', 'UNIMPLEMENTED', 'UNAVAILABLE'] as const),
]);

/** What the plugin says went wrong, with PJRT's word for it. */
export class PjrtError extends TesseraError {
  readonly status: PjrtStatus;

  constructor(status: PjrtStatus, message: string, where: string) {
    const hint = status === 'RESOURCE_EXHAUSTED' ? 'use a smaller training.microBatch' : undefined;
    super(
      LASTING.has(status) ? 'ENGINE_UNAVAILABLE' : 'INTERNAL',
      `PJRT ${where}: ${status}: ${message.split('\n')[0]}`,
      { ...(hint && { hint }), details: { status, where, message } },
    );
    this.status = status;
  }
}

/** What a function gives; undefined where the plugin lacks it. */
export function unlessLacking<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof PjrtError && error.status === 'UNIMPLEMENTED') return undefined;
    throw error;
  }
}

/** How a plugin is loaded. */
export interface PluginOptions {
  /** Whether versions of the API that were never tried are taken. */
  readonly anyVersion?: boolean;
}

/** A loaded plugin. */
export class Plugin {
  /** Path of its library. */
  readonly path: string;
  /** Version of its API: `0.115`. */
  readonly apiVersion: string;
  readonly #table: readonly bigint[];
  readonly #entries = new Map<FunctionName, Entry>();

  /**
   * Loads a plugin and initializes it.
   *
   * Throws  ENGINE_UNAVAILABLE when it does not load, is not a plugin, or has a version of the API that was not tried.
   */
  constructor(path: string, { anyVersion = false }: PluginOptions = {}) {
    this.path = path;
    const api = apiOf(path);
    const head = new DataView(copyFrom(api, API_HEAD.table).buffer);
    const major = head.getInt32(API_HEAD.major, true);
    const minor = head.getInt32(API_HEAD.minor, true);
    this.apiVersion = `${major}.${minor}`;
    const { major: known, firstMinor, lastMinor } = API_VERSIONS;
    const wasTried = major === known && minor >= firstMinor && minor <= lastMinor;
    if (!wasTried && !anyVersion) {
      throw new TesseraError(
        'ENGINE_UNAVAILABLE',
        `${path} has PJRT API ${this.apiVersion}; ${known}.${firstMinor} to ${known}.${lastMinor} were tried`,
        {
          hint: 'install another version of it, or set TESSERA_XLA_ANY_VERSION=1 to use it as it is',
        },
      );
    }
    const size = Number(head.getBigUint64(API_HEAD.size, true));
    this.#table = wordsFrom(api + BigInt(API_HEAD.table), Math.floor((size - API_HEAD.table) / 8));
    this.call('Plugin_Initialize');
  }

  /**
   * Calls a function; returns its arguments, where its results are.
   *
   * Throws  PjrtError.
   */
  call<F extends FunctionName>(
    name: F,
    values: Values<ArgumentsOf<F>> = {},
  ): Struct<ArgumentsOf<F>> {
    const fields: ArgumentsOf<F> = FUNCTIONS[name][1];
    const args = new Struct(fields, values);
    const error = this.#entry(name)(args.bytes);
    if (error) throw this.#errorAt(error as bigint, name);
    return args;
  }

  /** A text of the plugin's, which a function returns. */
  text(name: 'Client_PlatformName' | 'Client_PlatformVersion', client: bigint): string {
    const args = this.call(name, { client });
    return textFrom(args.get('text'), args.get('text_size'));
  }

  #entry(name: FunctionName): Entry {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const address = this.#table[FUNCTIONS[name][0]] ?? 0n;
    if (address === 0n) throw new PjrtError('UNIMPLEMENTED', 'the plugin lacks it', name);
    const entry = entryAt(address);
    this.#entries.set(name, entry);
    return entry;
  }

  /** Reads an error and frees it. */
  #errorAt(error: bigint, where: FunctionName): PjrtError {
    const message = new Struct(FUNCTIONS.Error_Message[1], { error });
    this.#entry('Error_Message')(message.bytes);
    const text = textFrom(message.get('message'), message.get('message_size'));
    const code = new Struct(FUNCTIONS.Error_GetCode[1], { error });
    this.#entry('Error_GetCode')(code.bytes);
    const destroyed = new Struct(FUNCTIONS.Error_Destroy[1], { handle: error });
    this.#entry('Error_Destroy')(destroyed.bytes);
    return new PjrtError(ERROR_WORDS[code.get('code')] ?? 'UNKNOWN', text, where);
  }
}

/** Loads a library; returns the address of its PJRT_Api. */
function apiOf(path: string): bigint {
  try {
    const api = loadLibrary(path, 'GetPjrtApi')();
    if (api) return api;
  } catch (error) {
    const reason = TesseraError.from(error).sentence.split('\n')[0];
    throw new TesseraError('ENGINE_UNAVAILABLE', `${path} does not load: ${reason}`, {
      cause: error,
    });
  }
  throw new TesseraError('ENGINE_UNAVAILABLE', `${path} is not a PJRT plugin: it has no API`);
}
