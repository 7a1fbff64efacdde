/** @file Writes YAML: a config to read and to change, with comments beside values and small lists in one line; and files for other programs. */
import { Document, isScalar, type Pair, type Scalar, visit } from 'yaml';

/** A config to be written. */
export interface WrittenConfig {
  readonly tree: Readonly<Record<string, unknown>>;
  /** Comment beside the value of a dotted path. */
  readonly comments: ReadonlyMap<string, string>;
  /** Lines above all else. */
  readonly heading: readonly string[];
}

/** Widest line that a comment still stands beside; a longer one stands above its value. */
const LINE_MAX = 100;

/** The text of a config file. */
export function configText({ tree, comments, heading }: WrittenConfig): string {
  const document = new Document(tree);
  for (const [path, comment] of comments) {
    const keys = path.split('.');
    const value = document.getIn(keys, true);
    const fits = 2 * keys.length + path.length + String(value).length + comment.length < LINE_MAX;
    if (fits && isScalar(value)) value.comment = ` ${comment}`;
    else pairOf(document, keys).key.commentBefore = ` ${comment}`;
  }
  visit(document, {
    Seq(_, list) {
      list.flow = true;
    },
  });
  const first = document.contents as unknown as { readonly items: readonly Pair<Scalar>[] };
  // A line of room between the sections.
  for (const { key } of first.items.slice(1)) key.spaceBefore = true;
  document.commentBefore = heading.map((line) => (line === '' ? '' : ` ${line}`)).join('\n');
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/**
 * Objects as a YAML stream for other programs, below lines of comment. What YAML 1.1 would read as something else is
 * quoted, since Kubernetes reads that.
 */
export function yamlStream(objects: readonly object[], heading: readonly string[]): string {
  const comment = heading.map((line) => `# ${line}`.trimEnd());
  const texts = objects.map((object) => {
    const document = new Document(object, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
    return document.toString({ lineWidth: 0 });
  });
  return `${[...comment, ''].join('\n')}${texts.join('---\n')}`;
}

function pairOf(document: Document, keys: readonly string[]): Pair<Scalar> {
  const parent = document.getIn(keys.slice(0, -1), true) ?? document.contents;
  const { items } = parent as { readonly items: readonly Pair<Scalar>[] };
  return items.find(({ key }) => key.value === keys.at(-1)) as Pair<Scalar>;
}
