/** @file Every link between the pages leads to a file, and its anchor to a heading there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const REPO = resolve(import.meta.dirname, '../..');
const FOLDERS = ['docs', 'examples', 'bench'];
const PAGES = FOLDERS.flatMap((folder) =>
  readdirSync(join(REPO, folder), { recursive: true }).map((name) => join(folder, String(name))),
)
  .concat(readdirSync(REPO))
  .filter((path) => path.endsWith('.md') && !path.includes('node_modules'));

/** The text of a page without its blocks of code, where brackets are no links. */
function proseOf(path: string): string {
  const text = readFileSync(path, 'utf8');
  return text.replaceAll(/^(```+)[^\n]*\n[\s\S]*?^\1$/gm, '').replaceAll(/`[^`\n]*`/g, '`code`');
}

/** Anchors as GitHub makes them of headings: small letters, no signs, blanks as hyphens. */
function anchorsOf(path: string): Set<string> {
  const text = readFileSync(path, 'utf8').replaceAll(/^(```+)[^\n]*\n[\s\S]*?^\1$/gm, '');
  const slugs = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(
    slugs.map((slug, at) => {
      const before = slugs.slice(0, at).filter((other) => other === slug).length;
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

/** What is wrong with a link of a page, in words. */
function faultOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(REPO, page) : resolve(REPO, dirname(page), path);
  if (relative(REPO, target).startsWith('..')) return `${page}: ${link} leaves the repository`;
  if (!existsSync(target)) return `${page}: there is no ${link}`;
  if (anchor === undefined || !target.endsWith('.md') || statSync(target).isDirectory()) return;
  return anchorsOf(target).has(anchor) ? undefined : `${page}: there is no heading for ${link}`;
}

it('every relative link of every page leads somewhere', () => {
  const links = PAGES.flatMap((page) =>
    [...proseOf(join(REPO, page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link as string)
      .filter((link) => !/^[a-z]+:/.test(link))
      .map((link) => [page, link] as const),
  );
  expect(links.length).toBeGreaterThan(100);
  expect(links.map(([page, link]) => faultOf(page, link)).filter(Boolean)).toEqual([]);
});
