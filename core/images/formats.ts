/** The formats that are decoded: those whose decoders are fuzzed upstream and cannot reach outside the file. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'TIFF' | 'AVIF';

export const ALLOWED_FORMATS = 'JPEG, PNG, WebP, GIF, TIFF and AVIF';

/** What a file is by its first bytes, never by its name: a format that is allowed, or the name of something else. */
export type Sniffed = { readonly format: ImageFormat } | { readonly other: string };

const SIGNATURES: readonly (readonly [ImageFormat, RegExp])[] = [
  ['JPEG', /^\xff\xd8\xff/],
  ['PNG', /^\x89PNG\r\n\x1a\n/],
  ['GIF', /^GIF8[79]a/],
  ['WebP', /^RIFF[^]{4}WEBP/],
  ['TIFF', /^(?:II[*+]\0|MM\0[*+])/],
];

const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^%PDF-/, 'a PDF document'],
  [/^(?:%!|\xc5\xd0\xd3\xc6)/, 'a PostScript document'],
  [/^BM[^]{4}\0{4}/, 'a BMP picture'],
  [/^\0\0[\x01\x02]\0/, 'a Windows icon or cursor'],
  [/^8BPS/, 'a Photoshop document'],
  [/^(?:\xff\x0a|\0\0\0\x0cJXL )/, 'a JPEG XL picture'],
  [/^(?:\0\0\0\x0cjP {2}|\xff\x4f\xff\x51)/, 'a JPEG 2000 picture'],
  [/^v\/1\x01/, 'an OpenEXR picture'],
  [/^#\?(?:RADIANCE|RGBE)/, 'a Radiance picture'],
  [/^P[1-7FfHh][\s#]/, 'a Netpbm picture'],
  [/^(?:PK\x03\x04|PK\x05\x06)/, 'a ZIP archive'],
  [/^\x1f\x8b/, 'a gzip file (a compressed SVG among them)'],
  [/^(?:Rar!|7z\xbc\xaf|\x28\xb5\x2f\xfd|BZh|\xfd7zXZ)/, 'an archive'],
  [/^RIFF[^]{4}(?:AVI |WAVE)/, 'a film or sound'],
  [/^(?:\x1aE\xdf\xa3|OggS|ID3|fLaC)/, 'a film or sound'],
  [/^(?:\x7fELF|MZ)/, 'a program'],
];

/** Told apart among files of text, in this order. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:push\s|viewbox\s|graphic-context)/i, 'an MVG drawing'],
  [/<svg[\s>:/]|<!doctype\s+svg/i, 'an SVG drawing'],
  [/<html[\s>]|<!doctype\s+html|<head[\s>]|<body[\s>]/i, 'an HTML page'],
  [/^\s*<\?xml|^\s*<[a-z!]/i, 'an XML document'],
  [/^\s*version https:\/\/git-lfs/, 'a Git LFS pointer in place of the file itself'],
];

const HEAD_BYTES = 4096;

/** Recognises a file by its first bytes. */
export function sniffFormat(bytes: Uint8Array): Sniffed {
  // latin1: one character a byte, so that a pattern sees the bytes themselves.
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES));
  const text = head.toString('latin1');
  const format = SIGNATURES.find(([, pattern]) => pattern.test(text))?.[0];
  if (format) return { format };
  if (/^[^]{4}ftyp/.test(text)) return sniffBrands(head);
  const other = OTHERS.find(([pattern]) => pattern.test(text))?.[1];
  return { other: other ?? sniffText(head) ?? `bytes of no known picture (${hex(head)})` };
}

/** ISO base media files (ISO/IEC 14496-12, 4.3): a box `ftyp` lists what the file is compatible with. */
function sniffBrands(head: Buffer): Sniffed {
  const end = Math.min(head.readUInt32BE(0), head.length);
  const brands: string[] = head.toString('latin1', 8, end).match(/[^]{4}/g) ?? [];
  if (brands.includes('avif') || brands.includes('avis')) return { format: 'AVIF' };
  if (brands.some((brand) => /^(?:hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)))
    return { other: 'a HEIC picture' };
  if (brands[0] === 'crx ') return { other: "a camera's raw picture" };
  return { other: 'a film or sound' };
}

function sniffText(head: Buffer): string | null {
  const isUtf16 = /^(?:\xff\xfe|\xfe\xff)/.test(head.toString('latin1', 0, 2));
  const text = isUtf16 ? head.toString('latin1').replaceAll('\0', '') : head.toString('utf8');
  const plain = text.replace(/^(?:\ufeff|\xff\xfe|\xfe\xff)/, '');
  const named = TEXTS.find(([pattern]) => pattern.test(plain))?.[1];
  if (named) return named;
  // The last character may be cut in two by the end of `head`.
  return /[^\P{Cc}\s]|\ufffd./u.test(plain) ? null : 'plain text';
}

function hex(head: Buffer): string {
  return (head.subarray(0, 8).toString('hex').match(/../g) ?? []).join(' ');
}
