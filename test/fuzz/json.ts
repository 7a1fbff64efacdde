/** @file JSON that is almost right: a good document with other values, other keys, or some of them gone. */
import fc from 'fast-check';

/** JSON of any shape; a depth that breaks whoever walks it is tried in `once-broken.test.ts`. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, [], {}, '__proto__', JSON.parse('[[[[[[[[[[{}]]]]]]]]]]')),
);

/** Of each kind of value, those at which its readers break. */
const EDGES = {
  number: [0, 1, -1, 2, 3, 0.5, 1e308, -0, 2 ** 31, 2 ** 32, 2 ** 50, 2 ** 53],
  string: ['', '0', '..', '../x', 'a/b', '/etc/x', '\u001b[2J', '\u0000', 'ö\n', '__proto__'],
  boolean: [true, false],
} as const;

const keys = fc.constantFrom('x', '0', '', '__proto__', 'toString', '\u001b[2J');

type Path = readonly string[];
type Change = (document: unknown) => void;

/** Changed copies of a document, mostly at one place and with a value of the same kind. */
export function changed(
  specimen: object,
  { changesMax = 2 }: { changesMax?: number } = {},
): fc.Arbitrary<unknown> {
  const place = fc.constantFrom(...pathsOf(specimen));
  const change: fc.Arbitrary<Change> = fc.oneof(
    { weight: 6, arbitrary: place.chain((path) => replacing(path, kindred(at(specimen, path)))) },
    { weight: 2, arbitrary: place.chain((path) => replacing(path, json)) },
    {
      weight: 1,
      arbitrary: place.map(
        (path): Change =>
          (document) =>
            remove(document, path),
      ),
    },
    { weight: 1, arbitrary: fc.tuple(place, keys, json).map(adding) },
  );
  return fc.array(change, { maxLength: changesMax }).map((changes) => {
    const document = structuredClone(specimen);
    for (const apply of changes) apply(document);
    return document;
  });
}

/** The same as text. */
export function changedText(specimen: object, options?: { changesMax?: number }) {
  return changed(specimen, options).map((document) => JSON.stringify(document) ?? '');
}

function replacing(path: Path, values: fc.Arbitrary<unknown>): fc.Arbitrary<Change> {
  return values.map((value) => (document) => put(document, path, value));
}

function adding([path, key, value]: readonly [Path, string, unknown]): Change {
  return (document) => put(document, [...path.slice(0, -1), key], value);
}

/** Other values of the kind of this one. */
function kindred(value: unknown): fc.Arbitrary<unknown> {
  switch (typeof value) {
    case 'number':
      return fc.constantFrom<unknown>(...EDGES.number, value + 1, value - 1);
    case 'string':
      return fc.oneof(fc.constantFrom<unknown>(...EDGES.string, `${value}x`), fc.string());
    case 'boolean':
      return fc.boolean();
    default:
      return Array.isArray(value)
        ? fc.constantFrom<unknown>([], [...value, ...value], value.slice(1), value.toReversed())
        : fc.constantFrom<unknown>({}, { ...(value as object), x: 1 });
  }
}

/** The paths of everything below a document. */
function pathsOf(document: unknown, path: Path = []): Path[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([key, value]) => [
    [...path, key],
    ...pathsOf(value, [...path, key]),
  ]);
}

/** What is there; undefined where an earlier change has taken the way. */
function at(document: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => Object(value)[key], document);
}

function put(document: unknown, path: Path, value: unknown): void {
  const parent = at(document, path.slice(0, -1));
  if (typeof parent !== 'object' || parent === null) return;
  // Not by an assignment, which a key `__proto__` would make another thing of; a copy, since a later change may be in it.
  const how = {
    value: structuredClone(value),
    enumerable: true,
    configurable: true,
    writable: true,
  };
  if (!(Array.isArray(parent) && path.at(-1) === 'length')) {
    Object.defineProperty(parent, path.at(-1) as string, how);
  }
}

function remove(document: unknown, path: Path): void {
  const parent = at(document, path.slice(0, -1));
  const key = path.at(-1) as string;
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (typeof parent === 'object' && parent !== null) Reflect.deleteProperty(parent, key);
}
