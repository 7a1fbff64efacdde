/** @file docs/json.md, from the table of documents. Pure. */
import { z } from 'zod';
import { DOCUMENTS, type JsonDocument } from './documents.ts';

/** A field as JSON Schema has it. */
interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly description?: string;
}

const INTRODUCTION = `# JSON documents

With \`--json\` a command prints one JSON document on stdout (\`status --watch\`: one a line). Messages stay on stderr, and
the exit code is the same as without. This page is made from \`tools/documents/documents.ts\`; a test compares them.

Each document begins with \`schema\`: a name and a version. **A field may be added without a new version.** One that is
removed, renamed, or that means something else makes a new version. So a reader compares \`schema\`, and ignores fields
that it does not know. A number that is not known (yet) is null. \`?\` marks fields that may be absent. Fields that a
document has beside these are not a part of the contract.

\`config schema\` prints a JSON Schema, which has no \`schema\` field. Files of a run folder have versions of their own.
`;

/** The page. */
export function documentsPage(): string {
  return [INTRODUCTION, ...Object.entries(DOCUMENTS).map(section)].join('\n');
}

function section([name, { command, fields }]: [string, JsonDocument]): string {
  const { properties = {}, required = [] } = z.toJSONSchema(fields, { io: 'input' });
  const rows = Object.entries(properties).map(([field, schema]) => {
    const mark = required.includes(field) ? '' : '?';
    const { description = '' } = schema as FieldSchema;
    return `| \`${field}\`${mark} | ${typeOf(schema as FieldSchema)} | ${description} |`;
  });
  return [
    `## \`${name}\``,
    printedBy(command),
    '',
    '| field | type | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The commands, of `eval (with --out)` or `train, up`. */
function printedBy(command: string): string {
  const [, names = '', note = ''] = /^(.*?)( \(.*\))?$/.exec(command) ?? [];
  const named = names.split(', ').map((name) => `\`tessera ${name}\``);
  return `${named.join(', ')}${note}`;
}

function typeOf({ type, anyOf }: FieldSchema): string {
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  const types = typeof type === 'string' ? [type] : (type ?? ['any']);
  return types.map((each) => (each === 'array' ? 'list' : each)).join(' or ');
}
