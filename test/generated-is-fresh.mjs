/** @file `npm run gen:check`: the types under shared/contract/generated are those of proto/, or it says so and exits 1. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMMITTED = 'shared/contract/generated';

/** Text of every file under a folder, by its path in there. */
function readTree(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(folder, path), readFileSync(path, 'utf8')];
    }),
  );
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const [generator, ...args] = scripts.gen.split(' ');
const outputAt = args.indexOf(COMMITTED);
if (outputAt < 0) throw new Error(`package.json: script "gen" no longer writes to ${COMMITTED}`);

const folder = mkdtempSync(join(tmpdir(), 'tessera-gen-'));
try {
  execFileSync(join(ROOT, 'node_modules/.bin', generator), args.with(outputAt, folder), {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const fresh = readTree(folder);
  const committed = readTree(join(ROOT, COMMITTED));
  const names = [...new Set([...fresh.keys(), ...committed.keys()])].sort();
  const stale = names.filter((name) => fresh.get(name) !== committed.get(name));
  if (stale.length > 0) {
    process.stderr.write(`${COMMITTED} is not what proto/ says: ${stale.join(', ')}\n`);
    process.stderr.write('run: npm run gen\n');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
