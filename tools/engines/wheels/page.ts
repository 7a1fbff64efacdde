/**
 * @file The page of a project in a Python package index: JSON or HTML in, files out. Pure.
 *
 * Source  Python's "Simple repository API": PEP 503 (HTML), PEP 691 (JSON), PEP 700 (sizes), PEP 592 (yanked files).
 */
import { z } from 'zod';
import { TesseraError } from '../../../shared/core/errors.ts';

/** A file that an index offers. */
export interface OfferedFile {
  readonly file: string;
  readonly url: string;
  /** In hex; undefined where the index states none. */
  readonly sha256: string | undefined;
  readonly bytes: number | undefined;
  /** Withdrawn by its publisher, who may have said why. */
  readonly isYanked: boolean;
}

/** What is asked for, best first. */
export const PAGE_TYPES =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

const JSON_TYPE = /^application\/vnd\.pypi\.simple\.(v1|latest)\+json\b/;
const SHA256 = /^[0-9a-f]{64}$/;

const page = z.object({
  meta: z.object({ 'api-version': z.string() }),
  files: z.array(
    z.object({
      filename: z.string(),
      url: z.string(),
      hashes: z.record(z.string(), z.string()),
      size: z.int().min(0).optional(),
      yanked: z.union([z.boolean(), z.string()]).optional(),
    }),
  ),
});

/**
 * The files of a page; `address` is where it came from, after redirects.
 *
 * Throws  DATA_INVALID when it is not such a page.
 */
export function filesOfPage(
  text: string,
  { type, address }: { readonly type: string; readonly address: string },
): readonly OfferedFile[] {
  return JSON_TYPE.test(type) ? filesOfJson(text, address) : filesOfHtml(text, address);
}

function filesOfJson(text: string, address: string): readonly OfferedFile[] {
  const parsed = page.safeParse(parseJson(text));
  if (!parsed.success) throw notAPage(address, 'its JSON is not that of an index', parsed.error);
  const version = parsed.data.meta['api-version'];
  if (!version.startsWith('1.')) throw notAPage(address, `it has version ${version} of the API`);
  return parsed.data.files.flatMap(({ filename, url, hashes, size, yanked = false }) => {
    const whole = absolute(url, address);
    if (whole === undefined) return [];
    const sha256 = checkedSha256(hashes['sha256']);
    const isYanked = yanked !== false;
    return [{ file: filename, url: whole, sha256, bytes: size, isYanked }];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each link is a file: its text is the name, the fragment of its address the checksum. */
function filesOfHtml(text: string, address: string): readonly OfferedFile[] {
  if (!/<a\b|<html\b|<!doctype html/i.test(text)) throw notAPage(address, 'it is not HTML');
  const links = text.matchAll(/<a\s+([^>]*)>([^<]*)<\/a>/gi);
  return [...links].flatMap(([, attributes = '', name = '']) => {
    const url = absolute(attribute(attributes, 'href'), address);
    if (url === undefined) return [];
    const [, hex] = /^#sha256=(.+)$/.exec(new URL(url).hash) ?? [];
    return [
      {
        file: plain(name).trim(),
        url: url.replace(/#.*$/, ''),
        sha256: checkedSha256(hex),
        bytes: undefined,
        isYanked: /(^|\s)data-yanked\b/i.test(attributes),
      },
    ];
  });
}

function attribute(attributes: string, name: string): string | undefined {
  const [, double, single] =
    new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'i').exec(attributes) ?? [];
  const value = double ?? single;
  return value === undefined ? undefined : plain(value);
}

function plain(text: string): string {
  const signs: Readonly<Record<string, string>> = {
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    '#39': "'",
  };
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => signs[name] as string);
}

function checkedSha256(hex: string | undefined): string | undefined {
  const lower = hex?.toLowerCase();
  return lower !== undefined && SHA256.test(lower) ? lower : undefined;
}

/** A web address; undefined for anything else. From an encrypted page only to an encrypted file. */
function absolute(url: string | undefined, page: string): string | undefined {
  if (url === undefined || !URL.canParse(url, page)) return undefined;
  const { protocol, href } = new URL(url, page);
  const isAsSafe = protocol === 'https:' || (protocol === 'http:' && page.startsWith('http:'));
  return isAsSafe ? href : undefined;
}

function notAPage(address: string, what: string, cause?: unknown): TesseraError {
  return new TesseraError('DATA_INVALID', `${address} is not a page of a package index: ${what}`, {
    hint: 'give the address of a simple index, such as https://pypi.org/simple, with --index',
    cause,
  });
}
