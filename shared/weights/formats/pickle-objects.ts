/**
 * @file The contents of a pickle: tensors that can be read, tensors that cannot, and objects that are skipped.
 *
 * A pickle names callables of Python. A few of them make tensors and dictionaries: for these there is a function here.
 * Every other name makes an `OpaqueObject`: nothing is called for it. Names that would start a program are refused.
 *
 * Source  torch/_utils.py and torch/_tensor.py for what the callables of torch take.
 */
import { TesseraError } from '../../core/errors.ts';

/** The storage of some tensors' values. */
export interface PickledStorage {
  readonly key: string;
  /** torch's name of the type, such as `FloatStorage`. */
  readonly type: string;
}

/** A tensor: its place in a storage. Units  offset and strides in values. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: PickledStorage, offset: number, shape: number[], strides: number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor that is stored in a way that is not read here. */
export class UnreadTensor {
  /** Such as `a quantized tensor`. */
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

/** A callable or class that a pickle names. */
export class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** An object of Python that was not made: only its name, and what it holds as a dictionary or a list. */
export class OpaqueObject {
  readonly name: string;
  readonly entries = new Map<unknown, unknown>();
  readonly items: unknown[] = [];
  /** Whether it is a module of torch, which has its tensors in its state. */
  isModule = false;
  constructor(name: string) {
    this.name = name;
  }
}

type Callable = (args: readonly unknown[]) => unknown;

const CALLABLES: Readonly<Record<string, Callable>> = {
  'collections.OrderedDict': ([items]) => orderedDict(items),
  'collections.defaultdict': ([, items]) => orderedDict(items),
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': (args) =>
    new UnreadTensor(`a tensor of ${args[6] instanceof Global ? args[6].name : 'a rare type'}`),
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'torch._utils._rebuild_parameter_with_state': ([tensor]) => tensor,
  'torch._tensor._rebuild_from_type_v2': ([rebuild, , args]) => ofSubclass(rebuild, args),
  'torch.Size': ([sizes]) => sizes,
};

/** How torch rebuilds tensors that have no plain values in a storage. */
const UNREAD: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^torch\._utils\._rebuild_qtensor$/, 'a quantized tensor'],
  [/^torch\._utils\._rebuild_sparse/, 'a sparse tensor'],
  [/^torch\._utils\._rebuild_nested_tensor$/, 'a nested tensor'],
  [/^torch\._utils\._rebuild_meta_tensor/, 'a tensor without values (of the device meta)'],
  [/^torch\._utils\._rebuild_wrapper_subclass$/, 'a tensor of a subclass'],
  [/^torch\._utils\._rebuild_/, 'a tensor of a rare kind'],
  [/^numpy\.(?:_?core\.)?multiarray\._reconstruct$/, 'a NumPy array'],
];

/** Modules and callables that start programs, read files or load code: no legitimate file of weights has them. */
const DANGEROUS_MODULES = new Set([
  ...['os', 'posix', 'nt', 'subprocess', 'commands', 'popen2', 'pty', 'shutil', 'sys', 'socket'],
  ...['runpy', 'imp', 'importlib', 'ctypes', 'code', 'pdb', 'bdb', 'webbrowser', 'pip', 'marshal'],
]);
const DANGEROUS_BUILTINS = new Set([
  ...['eval', 'exec', 'execfile', 'compile', 'open', 'file', '__import__', 'input', 'breakpoint'],
]);

const PLAIN_TENSOR = /^torch\._utils\._rebuild_tensor(?:_v2)?$/;

/** As many as torch allows: each value of a tensor costs a step for each of them. */
const DIMENSIONS_MAX = 64;

/** torch.FloatStorage and its like are named, never called. */
export const STORAGE_TYPE = /^torch\.(?:storage\.)?([A-Za-z0-9]+Storage)$/;

/** The result of a call of `name`. Throws  DATA_INVALID for wrong arguments. */
export function made(name: string, args: readonly unknown[]): unknown {
  if (Object.hasOwn(CALLABLES, name)) return CALLABLES[name]?.(args);
  const what = UNREAD.find(([pattern]) => pattern.test(name))?.[1];
  return what === undefined ? new OpaqueObject(name) : new UnreadTensor(what);
}

/** Whether calls of `name` are supported, so that nothing of it is skipped. */
export function isUnderstood(name: string): boolean {
  return Object.hasOwn(CALLABLES, name) || STORAGE_TYPE.test(name);
}

/** Throws  DATA_INVALID when Python would run something by this name. */
export function refuseDangerous(name: string): void {
  const [module = '', ...rest] = name.split('.');
  const isBuiltin = /^(?:__builtin__|builtins)$/.test(module);
  const isDangerous = isBuiltin
    ? DANGEROUS_BUILTINS.has(rest.join('.'))
    : DANGEROUS_MODULES.has(module);
  if (!isDangerous) return;
  throw new TesseraError('DATA_INVALID', `the pickle wants to call ${name.slice(0, 100)}`, {
    hint: 'it would run code when Python opens it; nothing was run here. Do not trust the file',
  });
}

/** The error for a damaged pickle. */
export function damaged(what: string): TesseraError {
  return new TesseraError('DATA_INVALID', `the pickle is damaged: ${what}`, {
    hint: 'copy or download the file again',
  });
}

function orderedDict(items: unknown): Map<unknown, unknown> {
  if (items === undefined) return new Map();
  if (items instanceof Map) return new Map(items);
  if (!Array.isArray(items) || !items.every(Array.isArray)) {
    throw damaged('it makes a dictionary of something unknown');
  }
  return new Map(items.map(([key, value]) => [key, value]));
}

function rebuildTensor(args: readonly unknown[]): PickledTensor | UnreadTensor {
  const [storage, offset, shape, strides, , , metadata] = args;
  if (storage instanceof OpaqueObject) return new UnreadTensor('a tensor inside the pickle itself');
  const isValid =
    isStorage(storage) &&
    isSize(offset) &&
    isSizes(shape) &&
    isSizes(strides) &&
    shape.length === strides.length &&
    shape.length <= DIMENSIONS_MAX;
  if (!isValid) throw damaged('its description of a tensor is invalid');
  // Views that are to be negated or conjugated when they are read.
  if (metadata instanceof Map && (metadata.get('neg') === true || metadata.get('conj') === true)) {
    return new UnreadTensor('a negated or conjugated view');
  }
  return new PickledTensor(storage, offset, shape, strides);
}

/** A tensor of a Python subclass: its values where they are stored plainly. */
function ofSubclass(rebuild: unknown, args: unknown): unknown {
  // By name only: a self-reference would never end.
  const isPlain = rebuild instanceof Global && PLAIN_TENSOR.test(rebuild.name);
  return isPlain && Array.isArray(args)
    ? rebuildTensor(args)
    : new UnreadTensor('a tensor of a subclass');
}

function isStorage(value: unknown): value is PickledStorage {
  return typeof value === 'object' && value !== null && 'key' in value && 'type' in value;
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isSize);
}
