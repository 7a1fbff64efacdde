/** @file Pickles of any opcodes in any order, and PyTorch files around them. */
import fc from 'fast-check';
import { zipOf } from '../support/archives.ts';

const byte = fc.nat(255);
const text = fc.constantFrom('storage', '0', '1', 'cpu', 'weight', '__proto__', 'os', 'system', '');

/** `X`: a text with its length. */
const shortText = text.map((it) => [0x8c, it.length, ...Buffer.from(it)]);
const name = fc.constantFrom(
  'ctorch\nFloatStorage\n',
  'ctorch\nNoSuchStorage\n',
  'ctorch._utils\n_rebuild_tensor_v2\n',
  'ctorch._utils\n_rebuild_parameter\n',
  'ccollections\nOrderedDict\n',
  'ctorch\nSize\n',
  'cos\nsystem\n',
  'c__builtin__\neval\n',
  'cargparse\nNamespace\n',
  'ctorch._utils\n_rebuild_qtensor\n',
  'ctorch._tensor\n_rebuild_from_type_v2\n',
);
const number = fc.oneof(
  byte.map((value) => [0x4b, value]),
  fc.tuple(byte, byte).map((bytes) => [0x4d, ...bytes]),
  fc.tuple(byte, byte, byte, byte).map((bytes) => [0x4a, ...bytes]),
  fc.uint8Array({ maxLength: 10 }).map((bytes) => [0x8a, bytes.length, ...bytes]),
);
/** Memo, groups, collections: what can be built upon itself. */
const structure = fc.oneof(
  fc.constantFrom(...'()]}tldeasu012bRoQN.'.split('')).map((letter) => [letter.charCodeAt(0)]),
  fc
    .constantFrom(0x85, 0x86, 0x87, 0x88, 0x93, 0x94, 0x81, 0x92, 0x8f, 0x90, 0x91)
    .map((code) => [code]),
  fc.nat(3).map((place) => [0x71, place]),
  fc.nat(3).map((place) => [0x68, place]),
);
/** Where numbers of sizes, offsets and strides break; as LONG1, which holds any. */
const hostileNumber = fc
  .oneof(fc.nat(6), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1, 2 ** 53, -1))
  .map((value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    return [0x8a, 8, ...bytes];
  });
const hostileNumbers = fc.array(hostileNumber, { maxLength: 4 });

/** A tensor of the storage `0`, as torch describes it, but for its numbers. */
const tensor = fc
  .tuple(
    fc.constantFrom('Float', 'Half', 'Long', 'Bool', 'NoSuch'),
    hostileNumber,
    fc.oneof(
      fc.tuple(hostileNumbers, hostileNumbers),
      hostileNumbers.map((it) => [it, it] as const),
    ),
  )
  .map(([type, offset, [shape, strides]]) => [
    ...Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n('),
    ...[0x28, 0x8c, 7, ...Buffer.from(`storagectorch\n${type}Storage\n`)],
    ...[0x8c, 1, 0x30, 0x8c, 3, ...Buffer.from('cpu'), 0x4b, 4, ...Buffer.from('tQ')],
    ...[...offset, 0x28, ...shape.flat(), 0x74, 0x28, ...strides.flat(), 0x74],
    ...Buffer.from('tR'),
  ]);

/** The same with numbers that fit: 2 x 3 values of the beginning of the storage. */
const soundTensor = [
  ...Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n('),
  ...[0x28, 0x8c, 7, ...Buffer.from('storagectorch\nFloatStorage\n')],
  ...[0x8c, 1, 0x30, 0x8c, 3, ...Buffer.from('cpu'), 0x4b, 6, ...Buffer.from('tQ')],
  ...[0x4b, 0, 0x28, 0x4b, 2, 0x4b, 3, 0x74, 0x28, 0x4b, 3, 0x4b, 1, 0x74],
  ...Buffer.from('tR'),
];

/** What needs nothing to be there. */
const push = fc.oneof(
  fc.constantFrom(...'()]}N('.split('')).map((letter) => [letter.charCodeAt(0)]),
  number,
  shortText,
  name.map((it) => [...Buffer.from(it)]),
  tensor,
);
const opcode = fc.oneof(
  { weight: 6, arbitrary: push },
  { weight: 6, arbitrary: structure },
  { weight: 1, arbitrary: byte.map((code) => [code]) },
);

/** A pickle that may be anything. */
export const allowed = (bytes: Buffer) => ({ bytes, isForbidden: false });

/** Values as Python writes them: what stands on the stack after each is one more. */
const { whole } = fc.letrec<{ whole: number[]; leaf: number[] }>((tie) => ({
  leaf: fc.oneof(
    number,
    shortText,
    fc.constantFrom<number[]>([0x4e], [0x88], [0x89], [...soundTensor]),
  ),
  whole: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('whole'), { maxLength: 3 }).map((all) => [0x28, ...all.flat(), 0x74]),
    fc.array(tie('whole'), { maxLength: 3 }).map((all) => [0x5d, 0x28, ...all.flat(), 0x65]),
    fc
      .array(fc.tuple(shortText, tie('whole')), { maxLength: 3 })
      .map((all) => [0x7d, 0x28, ...all.flat(2), 0x75]),
    tie('whole').map((one) => [...one, 0x71, 1, 0x30, 0x68, 1]),
  ),
}));
/** A pickle as Python writes it, perhaps with something put in or left out. */
export const wholePickles = fc
  .tuple(whole, fc.option(fc.tuple(fc.nat(200), opcode), { freq: 2 }), fc.nat(3))
  .map(([value, change, gone]) => {
    const bytes = [0x80, 2, ...value, 0x2e];
    if (change !== null) bytes.splice(2 + (change[0] % value.length), gone, ...change[1]);
    return allowed(Buffer.from(bytes));
  });
/** Whole ones with something at the end that Python would start a program with, and an opcode that there is not. */
export const forbiddenPickles = fc
  .tuple(
    whole,
    fc.constantFrom(
      ...['cos\nsystem\n', 'c__builtin__\neval\n', '(ios\nsystem\n', 'csubprocess\nPopen\n)\x81'],
      ...['\x8c\x02os\x8c\x06system\x93', 'cbuiltins\n__import__\n(\x8c\x02ostR', '\xff'],
    ),
  )
  .map(([value, end]) => ({
    bytes: Buffer.from([0x80, 2, ...value, ...value, ...Buffer.from(end, 'latin1'), 0x2e]),
    isForbidden: true,
  }));

/** Pickles as bytes: something on the stack, then anything; most end with STOP. */
export const pickles = fc
  .tuple(fc.array(push, { maxLength: 4 }), fc.array(opcode, { maxLength: 20 }), fc.nat(9))
  .map(([pushes, opcodes, end]) =>
    Buffer.from([0x80, 2, ...pushes.flat(), ...opcodes.flat(), ...(end === 0 ? [] : [0x2e])]),
  );

/** Files as torch.save writes them, around tensors whose numbers are anything. */
export const pthFiles = fc
  .tuple(
    fc.array(fc.tuple(shortText, fc.oneof(fc.constant(soundTensor), tensor)), { maxLength: 2 }),
    fc.oneof(fc.constantFrom(24, 48), fc.nat(200)),
    // Mostly the truth.
    fc.constantFrom(...Array<undefined>(20).fill(undefined), 2 ** 30, 2 ** 32 - 2),
  )
  .map(([tensors, storageBytes, claims]) =>
    zipOf(
      { name: 'x/data.pkl', content: Buffer.from([0x7d, 0x28, ...tensors.flat(2), 0x75, 0x2e]) },
      { name: 'x/data/0', content: Buffer.alloc(storageBytes), ...(claims && { claims }) },
    ),
  );
