/**
 * @file Messages and hints for failed system calls: the one table of errno codes. Pure.
 *
 * A system error is about the machine, its disk or a path, never about Tessera.
 */

/** The message of a code, and what to do about it. */
interface Words {
  readonly words: string;
  readonly hint: string;
}

const PATH_HINT = 'check the path';
const MORE_FILES_HINT = 'let this process open more files: `ulimit -n 1024` is plenty';
/** What to do if a machine cannot reach itself. */
export const NO_LOOPBACK_HINT =
  'bring the loopback interface up (ip link set lo up), inside its container too';
const MACHINE_HINT = 'end other programs, or give this machine more resources';

/** Source  errno(3), and the kernel's own use of them. */
const WORDS: Readonly<Record<string, Words>> = {
  ENOSPC: { words: 'the disk is full', hint: 'free some space or choose a folder elsewhere' },
  EDQUOT: { words: 'the disk quota is used up', hint: 'free some space or raise the quota' },
  EACCES: { words: 'permission denied', hint: 'check its permissions, or choose another path' },
  EPERM: { words: 'not permitted', hint: 'check its permissions, or choose another path' },
  EROFS: { words: 'the file system is read-only', hint: 'choose a writable folder' },
  ENOENT: { words: 'no such file or folder', hint: PATH_HINT },
  ENOTDIR: { words: 'a part of the path is a file', hint: PATH_HINT },
  EEXIST: { words: 'a file of that name exists', hint: PATH_HINT },
  ENOTEMPTY: { words: 'a folder of that name exists and is not empty', hint: PATH_HINT },
  EISDIR: { words: 'it is a folder', hint: PATH_HINT },
  ENXIO: { words: 'it is a socket or a device, not a file', hint: PATH_HINT },
  EBADF: { words: 'it is closed', hint: 'leave it open, or redirect it to a file' },
  ENODEV: { words: 'the device does not exist', hint: PATH_HINT },
  ELOOP: { words: 'its links form a loop', hint: PATH_HINT },
  ENAMETOOLONG: { words: 'the name is too long', hint: 'choose a shorter one' },
  EILSEQ: { words: 'this disk does not support such a name', hint: 'choose another name' },
  EINVAL: { words: 'the system does not support such a name or call here', hint: PATH_HINT },
  EXDEV: { words: 'it is on another disk', hint: 'choose a path on the same disk' },
  EMLINK: { words: 'it has too many links', hint: PATH_HINT },
  EBUSY: { words: 'another program uses it', hint: 'end that program, or choose another path' },
  ETXTBSY: { words: 'it is a running program', hint: PATH_HINT },
  EFBIG: {
    words: 'a file there cannot be that large',
    hint: 'choose another disk, or raise ulimit -f',
  },
  ENOTSUP: { words: 'this disk cannot do that', hint: 'choose another disk' },
  EOPNOTSUPP: { words: 'this disk cannot do that', hint: 'choose another disk' },
  ENOSYS: { words: 'this system cannot do that', hint: 'choose another disk' },
  EIO: { words: 'the disk reports an error', hint: 'check the disk' },
  ESTALE: { words: 'the network disk lost the file handle', hint: 'mount the disk again' },
  ETIMEDOUT: { words: 'the disk does not respond', hint: 'check the disk' },
  EMFILE: {
    words: 'too many open files',
    hint: MORE_FILES_HINT,
  },
  ENFILE: { words: 'the machine has too many open files', hint: MACHINE_HINT },
  ENOMEM: { words: 'the machine has no memory left', hint: MACHINE_HINT },
  EADDRNOTAVAIL: {
    words: 'no interface of this machine has that address',
    hint: 'give an address of this machine',
  },
  ENETUNREACH: { words: 'there is no route to it', hint: NO_LOOPBACK_HINT },
  EADDRINUSE: { words: 'the port is in use', hint: 'choose another one' },
  EAGAIN: { words: 'the machine has no resources left at the moment', hint: MACHINE_HINT },
};

/** The code of a failed system call, such as `ENOENT`; '' for any other error. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The message of a failed system call, without its code and its path: `no such file or folder`. */
export function reasonOf(error: unknown): string {
  const known = WORDS[errnoOf(error)];
  if (known !== undefined) return known.words;
  const message = error instanceof Error ? error.message : String(error);
  return errnoOf(error) === '' ? message : message.replace(/^[A-Z\d]+: |, \w+(?: '.*')?$/gs, '');
}

/** What can be done about a failed system call. */
export function remedyOf(error: unknown): string {
  return WORDS[errnoOf(error)]?.hint ?? 'check the path and the disk';
}

/** The path of a failed system call; for a call with two paths, the new one. */
export function pathOf(error: unknown): string | undefined {
  const { path, dest } = error as { readonly path?: unknown; readonly dest?: unknown };
  return [dest, path].find((place) => typeof place === 'string');
}

/** A failed system call as an error for users. */
export interface SystemFailure {
  readonly code: 'DATA_INVALID' | 'CANNOT_WRITE' | 'PORT_IN_USE' | 'ENGINE_UNAVAILABLE' | 'SYSTEM';
  readonly sentence: string;
  readonly hint: string;
}

const NO_CURRENT_FOLDER: SystemFailure = {
  code: 'SYSTEM',
  sentence: 'the current folder does not exist any more',
  hint: 'change to an existing folder (cd), and run the command again',
};

/** The machine has run out of a resource, whatever the call was for. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

/** Whether the machine has run out of a resource: the input may be fine, and a retry may succeed. */
export function isShortage(error: unknown): boolean {
  return SHORTAGES.has(errnoOf(error));
}

/** Whether something could not be written because the disk or its quota is full. */
export function isDiskFull(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(cause));
}

/** `open` is for reading and for writing; these codes come from writing. */
const OF_WRITING = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EEXIST', 'EISDIR', 'ETXTBSY', 'EFBIG']);
const READING =
  /^(open|opendir|scandir|read|readdir|readlink|realpath|stat|lstat|fstat|statfs|access|mmap)$/;
const MAKING_FOLDERS = /^(mkdir|mkdtemp)$/;
const WRITING =
  /^(write|writev|rename|link|symlink|unlink|rm|rmdir|truncate|ftruncate|fsync|fdatasync|copyfile|sendfile|f?l?chmod|f?l?chown|f?l?utimes?|open)$/;

/** Node's codes for a program that is missing, wholly or partly. */
const OF_INSTALLATION: ReadonlySet<string> = new Set([
  'MODULE_NOT_FOUND',
  'ERR_MODULE_NOT_FOUND',
  'ERR_DLOPEN_FAILED',
  'ERR_INVALID_PACKAGE_CONFIG',
]);
/** The same without a code: a half-installed module, and sharp's message for its missing library. */
const INSTALLATION_WORDS =
  /does not provide an export named|Named export '.*' not found|Could not load the "sharp" module/;

/** Whether a part of the program could not be loaded. */
export function isOfInstallation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return OF_INSTALLATION.has(errnoOf(error)) || INSTALLATION_WORDS.test(error.message);
}

/** Messages of libraries, with or without a code, when the system gives them no thread, memory or file. */
const SHORTAGE_WORDS: readonly (readonly [RegExp, string, string])[] = [
  [
    /creating thread|pthread_create|ERR_WORKER_INIT_FAILED/,
    'this process cannot start more threads',
    'raise ulimit -u, or the process limit of its container or unit (pids.max, TasksMax)',
  ],
  [
    /std::bad_alloc|out of memory --|Cannot allocate memory/,
    'the machine has no memory left',
    MACHINE_HINT,
  ],
  [/Too many open files/, 'too many open files', MORE_FILES_HINT],
];

/**
 * Code, message and hint of a library's failure whose cause is this machine, not the library's input: a resource is
 * exhausted, or the library is not completely installed. Undefined for any other failure.
 */
export function machineFailure(error: unknown): SystemFailure | undefined {
  const message = error instanceof Error ? error.message : String(error);
  if (isOfInstallation(error)) {
    return {
      code: 'SYSTEM',
      sentence: `this installation of Tessera is incomplete: ${message.split('\n')[0]}`,
      hint: `install it again for this machine: npm ci in a checkout, npm install tessera-train elsewhere; or, where few files may be open, ${MORE_FILES_HINT}`,
    };
  }
  const text = `${errnoOf(error)} ${message}`;
  const [, sentence, hint] = SHORTAGE_WORDS.find(([pattern]) => pattern.test(text)) ?? [];
  if (sentence === undefined || hint === undefined) return undefined;
  return { code: 'SYSTEM', sentence, hint };
}

/** Code, message and hint of a failed system call; undefined for any other error. */
export function systemFailure(error: unknown): SystemFailure | undefined {
  const errno = errnoOf(error);
  if (isOfInstallation(error) || errno === 'ERR_WORKER_INIT_FAILED') return machineFailure(error);
  const call = error instanceof Error && 'syscall' in error ? error.syscall : undefined;
  if (!/^E[A-Z\d]+$/.test(errno) || typeof call !== 'string') return undefined;
  if (call === 'uv_cwd') return NO_CURRENT_FOLDER;
  const path = pathOf(error);
  const kind = kindOf(errno, call, path !== undefined);
  if (kind === undefined) return undefined;
  const [code, what] = kind;
  const of = path === undefined ? '' : ` ${path}`;
  return { code, sentence: `${what}${of}: ${reasonOf(error)}`, hint: remedyOf(error) };
}

function kindOf(
  errno: string,
  call: string,
  hasPath: boolean,
): readonly [code: SystemFailure['code'], what: string] | undefined {
  if (call.startsWith('spawn'))
    return [SHORTAGES.has(errno) ? 'SYSTEM' : 'ENGINE_UNAVAILABLE', 'cannot start'];
  if (errno === 'EADDRINUSE') return ['PORT_IN_USE', 'cannot listen'];
  if (SHORTAGES.has(errno)) return ['SYSTEM', `cannot ${call}`];
  if (READING.test(call) && !OF_WRITING.has(errno)) return ['DATA_INVALID', 'cannot read'];
  if (MAKING_FOLDERS.test(call)) return ['CANNOT_WRITE', 'cannot make the folder'];
  if (WRITING.test(call)) return ['CANNOT_WRITE', 'cannot write'];
  return hasPath ? ['SYSTEM', `cannot ${call}`] : undefined;
}
