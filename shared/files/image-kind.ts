/** @file What kind of file its first bytes name: the image formats that are met in folders of photos, and what lies beside them. */

interface Kind {
  /** Its name in a sentence: `it is a HEIC file`. */
  readonly name: string;
  /** Texts, one character a byte, that a file of this kind begins with. */
  readonly begins?: readonly string[];
}

/**
 * Kinds that are known by how they begin, the more particular first. Boxed files (AVIF, HEIC and their kin), RIFF files,
 * icons and texts are distinguished below.
 */
const KINDS = {
  jls: { name: 'JPEG-LS', begins: ['\xff\xd8\xff\xf7'] },
  jpeg: { name: 'JPEG', begins: ['\xff\xd8\xff'] },
  png: { name: 'PNG', begins: ['\x89PNG\r\n\x1a\n'] },
  webp: { name: 'WebP' },
  gif: { name: 'GIF', begins: ['GIF87a', 'GIF89a'] },
  raw: {
    name: 'camera raw',
    begins: ['FUJIFILMCCD-RAW', 'IIRO', 'IIRS', 'MMOR', 'IIU\0', 'FOVb', 'II*\0\x10\0\0\0CR'],
  },
  tiff: { name: 'TIFF', begins: ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'] },
  bmp: { name: 'BMP' },
  avif: { name: 'AVIF' },
  heic: { name: 'HEIC' },
  video: { name: 'video', begins: ['\x1aE\xdf\xa3', '\0\0\x01\xba', '\0\0\x01\xb3'] },
  svg: { name: 'SVG' },
  jxl: { name: 'JPEG XL', begins: ['\xff\x0a', '\0\0\0\x0cJXL \r\n\x87\n'] },
  jp2: { name: 'JPEG 2000', begins: ['\xff\x4f\xff\x51', '\0\0\0\x0cjP  \r\n\x87\n'] },
  jxr: { name: 'JPEG XR', begins: ['II\xbc\x01', 'WMPHOTO\0'] },
  ico: { name: 'Windows icon' },
  icns: { name: 'Apple icon', begins: ['icns'] },
  psd: { name: 'Photoshop', begins: ['8BPS'] },
  xcf: { name: 'GIMP', begins: ['gimp xcf'] },
  pnm: { name: 'PPM' },
  exr: { name: 'OpenEXR', begins: ['v/1\x01'] },
  hdr: { name: 'Radiance HDR', begins: ['#?RADIANCE', '#?RGBE'] },
  qoi: { name: 'QOI', begins: ['qoif'] },
  dds: { name: 'DirectDraw', begins: ['DDS '] },
  pcx: { name: 'PCX' },
  sgi: { name: 'SGI', begins: ['\x01\xda\0', '\x01\xda\x01'] },
  sun: { name: 'Sun raster', begins: ['\x59\xa6\x6a\x95'] },
  bpg: { name: 'BPG', begins: ['BPG\xfb'] },
  djvu: { name: 'DjVu', begins: ['AT&TFORM'] },
  fits: { name: 'FITS', begins: ['SIMPLE  ='] },
  emf: { name: 'Windows metafile', begins: ['\xd7\xcd\xc6\x9a'] },
  eps: { name: 'PostScript', begins: ['%!PS', '\xc5\xd0\xd3\xc6'] },
  pdf: { name: 'PDF', begins: ['%PDF-'] },
  numpy: { name: 'NumPy', begins: ['\x93NUMPY'] },
  gzip: { name: 'gzip', begins: ['\x1f\x8b'] },
  zip: { name: 'ZIP', begins: ['PK\x03\x04', 'PK\x05\x06'] },
  appledouble: { name: 'macOS resource', begins: ['\0\x05\x16\x07', '\0\x05\x16\0'] },
  lfs: { name: 'Git LFS pointer', begins: ['version https://git-lfs.github.com/'] },
  html: { name: 'HTML' },
  link: { name: 'link that git wrote as text' },
} as const satisfies Record<string, Kind>;

/** A kind of file that is known by its first bytes. */
export type ImageKind = keyof typeof KINDS;

/** Bytes of a file's beginning that are looked at; 64 are enough for all that is read here, more help with texts. */
const KIND_BYTES = 256;

/** A longer path may continue after the bytes that are read. */
const LINK_BYTES_MAX = KIND_BYTES - 1;

const ALL = Object.entries(KINDS) as [ImageKind, Kind][];
/** The more particular beginnings before the less: a JPEG-LS file begins like a JPEG. */
const BEGINNINGS = ALL.flatMap(([kind, { begins = [] }]) =>
  begins.map((text) => ({ kind, text })),
).sort((a, b) => b.text.length - a.text.length);
/** By the first byte: whole data sets are looked at, file by file. */
const BY_FIRST_BYTE: readonly (typeof BEGINNINGS)[] = Array.from({ length: 256 }, (_, byte) =>
  BEGINNINGS.filter(({ text }) => text.charCodeAt(0) === byte),
);

const DECODABLE: ReadonlySet<ImageKind> = new Set([
  'jpeg',
  'png',
  'webp',
  'gif',
  'bmp',
  'tiff',
  'avif',
] as const);

/** The formats that are read, for sentences. */
export const DECODABLE_NAMES = 'JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF';

/** The kind of a file by its first bytes (64 are enough, 256 better for pages and drawings); `undefined` for one that is not known here. */
export function imageKind(head: Uint8Array): ImageKind | undefined {
  const text = Buffer.from(
    head.buffer,
    head.byteOffset,
    Math.min(head.length, KIND_BYTES),
  ).toString('latin1');
  const begun = BY_FIRST_BYTE[head[0] ?? 0]?.find((beginning) => text.startsWith(beginning.text));
  if (begun !== undefined) return begun.kind;
  return (
    boxedKind(text) ?? riffKind(text) ?? binaryKind(head, text) ?? textKind(text) ?? linkKind(head)
  );
}

/** Whether an image of this kind is read here. */
export function isDecodable(kind: ImageKind | undefined): boolean {
  return kind !== undefined && DECODABLE.has(kind);
}

/** A kind's name, for messages: `HEIC`. */
export function kindName(kind: ImageKind): string {
  return KINDS[kind].name;
}

/** What to do about a file that is not read here: the second half of a hint. */
export function remedy(kind: ImageKind | undefined): string {
  switch (kind) {
    case 'heic':
      return 'convert it, for example with: heif-convert IN.heic OUT.jpg (Debian: libheif-examples), or: sips -s format jpeg IN.heic --out OUT.jpg (macOS)';
    case 'lfs':
      return 'fetch what it points to with: git lfs pull';
    case 'html':
      return 'a web page was downloaded instead of the image: download it again';
    case 'link':
      return 'git writes links as text where it cannot create them: git config core.symlinks true, then git checkout -- FOLDER; or copy the files there';
    case 'zip':
    case 'gzip':
      return 'unpack it first';
    case 'appledouble':
    case 'video':
    case 'numpy':
    case undefined:
      return 'replace or remove it; data.onBadImage: skip trains without it';
    default:
      return 'convert it, for example with ImageMagick: magick IN OUT.png';
  }
}

/** Files of boxes whose first, `ftyp`, lists the brands that they conform to. Source  ISO/IEC 14496-12, 23000-22. */
function boxedKind(text: string): ImageKind | undefined {
  if (text.slice(4, 8) !== 'ftyp')
    return ['moov', 'mdat', 'wide'].includes(text.slice(4, 8)) ? 'video' : undefined;
  const size =
    ((text.charCodeAt(0) << 24) |
      (text.charCodeAt(1) << 16) |
      (text.charCodeAt(2) << 8) |
      text.charCodeAt(3)) >>>
    0;
  const end = Math.min(text.length, size < 16 ? text.length : size);
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text.slice(at, at + 4));
  const major = brands[0] as string;
  if (major === 'crx ') return 'raw';
  if (major === 'jp2 ' || major === 'jpx ') return 'jp2';
  if (major === 'jxl ') return 'jxl';
  if (brands.some((brand) => brand === 'avif' || brand === 'avis')) return 'avif';
  // What is left of the image brands (hei?, hev?, mif?, msf?, and Canon's) is coded with HEVC or something rarer.
  if (brands.some((brand) => /^(?:he[iv][a-z]|mif[12]|msf1|MiHE|avc[is])$/.test(brand)))
    return 'heic';
  return 'video';
}

function riffKind(text: string): ImageKind | undefined {
  if (!text.startsWith('RIFF')) return undefined;
  const form = text.slice(8, 12);
  if (form === 'WEBP') return 'webp';
  return form === 'AVI ' ? 'video' : undefined;
}

/** Kinds whose first bytes are few or common, so that more of the header is looked at. */
function binaryKind(head: Uint8Array, text: string): ImageKind | undefined {
  const byte = (at: number) => head[at] ?? -1;
  const long = byte(14) | (byte(15) << 8) | (byte(16) << 16) | (byte(17) << 24);
  if (text.startsWith('BM') && [12, 16, 40, 52, 56, 64, 108, 124].includes(long)) return 'bmp';
  const isIcon = text.startsWith('\0\0\x01\0') || text.startsWith('\0\0\x02\0');
  if (isIcon && byte(4) > 0 && byte(5) === 0 && byte(9) === 0) return 'ico';
  if (byte(0) === 10 && [0, 2, 3, 4, 5].includes(byte(1)) && byte(2) === 1) return 'pcx';
  if (/^P[1-7fF][\s#]/.test(text)) return 'pnm';
  return undefined;
}

/** Pages and drawings, which are text that may begin with a byte order mark, spaces or comments. */
function textKind(text: string): ImageKind | undefined {
  const start = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^(?:<!--[^>]*-->\s*)?<(?:!doctype html|html|head|body|script)/i.test(start)) return 'html';
  if (/^<svg|^<!doctype svg/i.test(start)) return 'svg';
  return /^<\?xml|^<!--/i.test(start) && /<svg|<!doctype svg/i.test(start) ? 'svg' : undefined;
}

/** A path of an image from the root or by way of `.` or `..`, on one line, with separators of either system, and nothing else. */
const LINK_PATH =
  /^(?:\.{0,2}|[a-z]:)[/\\][^\p{Cc}<>"{}*?|]+\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|dib|tiff?|avif|hei[cf])\r?\n?$/iu;

/** What git leaves in the place of a link, where links are switched off or the disk has none: its target as text. */
function linkKind(head: Uint8Array): ImageKind | undefined {
  if (head.length === 0 || head.length > LINK_BYTES_MAX) return undefined;
  return LINK_PATH.test(Buffer.from(head).toString('utf8')) ? 'link' : undefined;
}
