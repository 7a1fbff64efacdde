/**
 * @file Recognises files without readable weights, and says what to do about them.
 *
 * They are nearly always one of a few things: a pointer of Git LFS, a page of a web site that
 * asked for a login, an archive that was not unpacked, or weights of another framework.
 */
import { type ImageKind, imageKind, kindName } from '../../files/image-kind.ts';

/** A kind of file, with its message and hint. */
export interface FileKind {
  /** `a Git LFS pointer`. */
  readonly what: string;
  readonly hint: string;
}

interface KnownKind extends FileKind {
  /**
   * Text, one character a byte, that such a file has after `at` bytes, a pattern or rule for its beginning, or its kind
   * where it is one that lies among images too.
   */
  readonly begins: string | RegExp | ((text: string) => boolean) | readonly [ImageKind];
  readonly at?: number;
}

/** Bytes of a file's beginning that are looked at: the magic of a tar stands behind the first 257. */
export const KIND_BYTES = 512;

const AGAIN = 'download it again';
const TORCH = 'in Python, with that framework: load it, and save a state_dict with torch.save';
const UNPACK = 'unpack it and give the file of weights inside';

const KINDS: readonly KnownKind[] = [
  {
    begins: ['lfs'],
    what: 'a Git LFS pointer, not the weights themselves',
    hint: 'fetch what it points to: git lfs pull',
  },
  {
    begins: ['html'],
    what: 'a web page (HTML), not weights',
    hint: `${AGAIN}: the address may need a login, or be that of a page about the file`,
  },
  {
    begins: /^\s*<(?:\?xml|error)/i,
    what: 'an XML document, such as the reply of a server to a failed download',
    hint: `read it for the reason, then ${AGAIN}`,
  },
  {
    begins: /^\s*\{[\s\S]*"weight_map"/,
    what: 'an index of shards: it names the files with the weights',
    hint: 'give the folder that it and the shards are in',
  },
  {
    begins: /^\s*\{\s*"(?:error|message|detail|statusCode)"/,
    what: 'the error reply of a server (JSON)',
    hint: `read it for the reason, then ${AGAIN}`,
  },
  {
    begins: /^\s*[{[]\s*["{[]/,
    what: 'a JSON document, not weights',
    hint: 'give the file of weights, or the folder that both are in',
  },
  {
    begins: '\x89HDF\r\n\x1a\n',
    what: 'an HDF5 file (.h5), as Keras and TensorFlow write',
    hint: TORCH,
  },
  {
    begins: 'GGUF',
    what: 'a GGUF file, as llama.cpp and ggml read',
    hint: 'give the weights that it was made from: safetensors or PyTorch',
  },
  {
    begins: 'lmgg',
    what: 'a GGML file',
    hint: 'give the weights that it was made from: safetensors or PyTorch',
  },
  {
    begins: 'TFL3',
    at: 4,
    what: 'a TensorFlow Lite model',
    hint: 'give the weights that it was made from',
  },
  {
    begins: 'ustar',
    at: 257,
    what: 'a tar archive',
    hint: `${UNPACK}; PyTorch before 0.1.10 wrote such files too: load it there and save it again`,
  },
  { begins: ['gzip'], what: 'a gzip archive (.gz)', hint: UNPACK },
  { begins: 'BZh', what: 'a bzip2 archive', hint: UNPACK },
  { begins: '\xfd7zXZ\0', what: 'an xz archive', hint: UNPACK },
  { begins: '\x28\xb5\x2f\xfd', what: 'a zstd archive', hint: UNPACK },
  { begins: '7z\xbc\xaf\x27\x1c', what: 'a 7z archive', hint: UNPACK },
  { begins: 'Rar!', what: 'a RAR archive', hint: UNPACK },
  {
    begins: ['numpy'],
    what: 'a single NumPy array (.npy)',
    hint: 'weights are many arrays: give a .npz, .safetensors or .pth',
  },
  {
    begins: isOnnx,
    what: 'an ONNX model',
    hint: 'give the weights that it was made from: safetensors or PyTorch',
  },
  { begins: '\x08\x01\x12', what: 'a SavedModel of TensorFlow (saved_model.pb)', hint: TORCH },
  // A map of Flax: one key, `params` or a module's name.
  {
    begins: /^[\x81-\x8f](?:[\xa1-\xbf][\x20-\x7e]|\xd9)/,
    what: 'a MessagePack file, as Flax writes (.msgpack)',
    hint: TORCH,
  },
  {
    begins: /^\0{64}/,
    what: 'a file that begins with zeros, like an incomplete download',
    hint: AGAIN,
  },
  {
    begins: '\x80',
    what: 'a pickle that torch.save did not write',
    hint: 'in Python: torch.save(model.state_dict(), PATH)',
  },
];

/** The kind of a file by its first bytes; undefined if it may be weights, or is unknown. */
export function fileKind(head: Uint8Array): FileKind | undefined {
  if (head.length === 0) return { what: 'empty', hint: AGAIN };
  const image = imageKind(head);
  const text = String.fromCharCode(...head.subarray(0, KIND_BYTES)).replace(/^\xef\xbb\xbf/, '');
  const known = KINDS.find(({ begins, at = 0 }) => {
    if (typeof begins === 'string') return text.startsWith(begins, at);
    if (typeof begins === 'function') return begins(text);
    return begins instanceof RegExp ? begins.test(text) : begins[0] === image;
  });
  if (known !== undefined) return { what: known.what, hint: known.hint };
  if (image !== undefined) {
    return {
      what: `a file of the kind ${kindName(image)}, not weights`,
      hint: 'give a file of weights',
    };
  }
  if (!/^[\t\n\r\x20-\x7e]+$/.test(text)) return undefined;
  const [line = ''] = text.trim().split(/[\r\n]/);
  return { what: `a text that begins with ${JSON.stringify(line.slice(0, 60))}`, hint: AGAIN };
}

/** The number of the format, then its maker in letters, the graph, or the sets of operators. */
function isOnnx(text: string): boolean {
  const [first, version, field, , letter = ''] = [...text].map((sign) => sign.charCodeAt(0));
  if (first !== 8 || version === undefined || version < 3 || version > 20) return false;
  const isMaker = field === 0x12 && Number(letter) >= 0x20 && Number(letter) < 0x7f;
  return isMaker || field === 0x3a || field === 0x42;
}

/** The kind of a zip without tensors or arrays, by the names of its entries. */
export function zipKind(names: readonly string[]): FileKind {
  const inside = names.find((name) => /\.(?:safetensors|pth|pt|bin|ckpt|npz)$/.test(name));
  if (names.some((name) => /(?:^|\/)(?:constants\.pkl|code\/.*\.py)$/.test(name))) {
    return {
      what: 'a TorchScript archive: code together with its weights',
      hint: 'in Python: torch.save(torch.jit.load(PATH).state_dict(), OUT)',
    };
  }
  if (names.some((name) => name.endsWith('.weights.h5'))) {
    return { what: 'a model of Keras (.keras)', hint: TORCH };
  }
  if (inside !== undefined) return { what: `a zip with ${inside} in it`, hint: UNPACK };
  const [first = 'nothing'] = names;
  const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
  return { what: `a zip without weights (it has ${first}${more})`, hint: 'give a file of weights' };
}
