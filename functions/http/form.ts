/**
 * Forms (multipart/form-data, RFC 7578). The parts are views of the body: what a platform's own parser makes are copies of copies, several times
 * what was sent.
 */
import { InvalidInputError } from '../../core/errors.ts';
import { tooLarge } from '../errors.ts';

export interface FormPart {
  /** '' where it has none. */
  readonly name: string;
  /** Its file's name, which may be ''; null where it is a text. */
  readonly file: string | null;
  /** A view of the body, which stays in memory as long as this does. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const HEAD_BYTES = 16 * 1024;

/**
 * Takes a form apart.
 * @param contentType the body's, with its boundary
 * @param most parts
 * @throws InvalidInputError when it is no such form, or not a whole one; RequestError (too-large) when it has more parts
 */
export function partsOf(bytes: Uint8Array<ArrayBuffer>, contentType: string, most: number): FormPart[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const boundary = boundaryOf(contentType);
  const parts: FormPart[] = [];
  let at = delimiterIn(whole, boundary, 0);
  while (at !== null && !at.isLast) {
    if (parts.length >= most) throw tooLarge(`The form has more than ${most} parts. Send fewer at once.`);
    const begin = at.end;
    const headEnd = whole.subarray(begin, begin + 2).equals(CRLF)
      ? begin
      : whole.indexOf('\r\n\r\n', begin) + 2;
    if (headEnd < begin || headEnd - begin > HEAD_BYTES) throw broken();
    const from = headEnd + 2;
    // The end of the head may begin the delimiter, where there is nothing between.
    at = delimiterIn(whole, boundary, headEnd);
    if (at === null) throw broken();
    const content = bytes.subarray(from, Math.max(from, at.begin));
    parts.push({ ...namesIn(whole.toString('utf8', begin, headEnd)), bytes: content });
  }
  if (at === null) throw broken();
  return parts;
}

const CRLF = Buffer.from('\r\n');

interface Delimiter {
  /** Where the content before it ends. */
  readonly begin: number;
  /** After its line. */
  readonly end: number;
  readonly isLast: boolean;
}

/** The next line that is the boundary; a longer line that begins as it does is none. */
function delimiterIn(whole: Buffer, boundary: string, from: number): Delimiter | null {
  const mark = `--${boundary}`;
  for (let at = whole.indexOf(mark, from); at >= 0; at = whole.indexOf(mark, at + 1)) {
    if (at > 0 && !whole.subarray(at - 2, at).equals(CRLF)) continue;
    const begin = Math.max(0, at - 2);
    let end = at + Buffer.byteLength(mark);
    if (whole.toString('latin1', end, end + 2) === '--') return { begin, end, isLast: true };
    while (whole[end] === 0x20 || whole[end] === 0x09) end++;
    if (whole.subarray(end, end + 2).equals(CRLF)) return { begin, end: end + 2, isLast: false };
  }
  return null;
}

function boundaryOf(contentType: string): string {
  const { quoted, bare } =
    /;\s*boundary=(?:"(?<quoted>[^"]+)"|(?<bare>[^\s;"]+))/i.exec(contentType)?.groups ?? {};
  const boundary = quoted ?? bare ?? '';
  if (/^[\x20-\x7e]{1,70}$/.test(boundary)) return boundary;
  throw new InvalidInputError('The form says no boundary of 1 to 70 characters in its Content-Type.');
}

function namesIn(head: string): { name: string; file: string | null } {
  const disposition =
    /^content-disposition:\s*form-data(?<rest>;[^\r\n]*)/im.exec(head)?.groups?.['rest'] ?? '';
  if (/^content-transfer-encoding:\s*(?:base64|quoted-printable)/im.test(head)) {
    throw new InvalidInputError(
      'A part of the form has a Content-Transfer-Encoding. Send its bytes as they are.',
    );
  }
  return { name: parameter(disposition, 'name') ?? '', file: parameter(disposition, 'filename') };
}

/** As browsers, curl and others write it: quotes and line ends percent-encoded or after a backslash, or all of it percent-encoded (RFC 8187). */
function parameter(disposition: string, name: string): string | null {
  const { quoted, bare, encoded } =
    new RegExp(
      String.raw`;\s*${name}(?:=(?:"(?<quoted>(?:\\.|[^"\\])*)"|(?<bare>[^\s;"]+))|\*=utf-8'[^']*'(?<encoded>[^\s;]*))`,
      'i',
    ).exec(disposition)?.groups ?? {};
  if (encoded !== undefined) return decoded(encoded);
  const text = quoted?.replaceAll(/\\(["\\])/g, '$1') ?? bare;
  return text?.replaceAll(/%(?:22|0[DA])/gi, (code) => decodeURIComponent(code)) ?? null;
}

function decoded(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function broken(): InvalidInputError {
  return new InvalidInputError('The body is not the form that its Content-Type says (multipart/form-data).');
}
