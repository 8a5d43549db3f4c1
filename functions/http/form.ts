/**
 * Forms (multipart/form-data, RFC 7578). The files are views of the body where they can be: what a platform's own parser makes are copies of
 * copies, several times what was sent.
 */
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { InvalidInputError } from '../../core/errors.ts';
import { tooLarge } from '../errors.ts';

export interface FormPart {
  /** '' where it has none. */
  readonly name: string;
  /** Its file's name, which may be '', and what is in it; null where it is a text, which nobody asks for. */
  readonly file: { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> } | null;
}

const HEAD_BYTES = 16 * 1024;
const HEAD_LINES = 20;

/**
 * Takes a form apart.
 * @param contentType the body's, with its boundary
 * @param most parts
 * @throws InvalidInputError when it is no such form, or not a whole one; RequestError (too-large) when it has more parts
 */
export async function partsOf(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  most: number,
): Promise<FormPart[]> {
  const form = formOf(contentType, most);
  const parts: FormPart[] = [];
  await new Promise<void>((resolve, reject) => {
    form.on('field', (name) => parts.push({ name, file: null }));
    form.on('file', (name, stream, file, encoding) => {
      if (/^(?:base64|quoted-printable)$/i.test(encoding)) reject(encoded());
      const pieces: Buffer<ArrayBuffer>[] = [];
      stream.on('data', (piece: Buffer<ArrayBuffer>) => pieces.push(piece));
      stream.on('error', reject);
      const at = parts.push({ name, file: null }) - 1;
      stream.on('end', () => {
        parts[at] = { name, file: { name: unescaped(file), bytes: joined(pieces) } };
      });
    });
    form.on('partsLimit', () =>
      reject(tooLarge(`The form has more than ${most} parts. Send fewer at once.`)),
    );
    form.on('error', (cause) => reject(broken(cause)));
    form.on('finish', resolve);
    form.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  });
  return parts;
}

function formOf(contentType: string, parts: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      preservePath: true,
      isPartAFile: (_name, _type, file) => file !== undefined,
      limits: { parts, headerPairs: HEAD_LINES, headerSize: HEAD_BYTES, fieldSize: 1024 },
    });
  } catch (cause) {
    throw new InvalidInputError(
      'The form says no boundary in its Content-Type. Let your HTTP library write that header.',
      { cause },
    );
  }
}

function joined(pieces: readonly Buffer<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first = Buffer.alloc(0), ...others] = pieces;
  const whole = others.length === 0 ? first : Buffer.concat(pieces);
  return new Uint8Array(whole.buffer, whole.byteOffset, whole.length);
}

/** Browsers write quotes and line ends so (WHATWG, multipart/form-data encoding). */
function unescaped(file: string): string {
  return file.replaceAll(/%(?:22|0[DA])/gi, (code) => decodeURIComponent(code));
}

function encoded(): InvalidInputError {
  return new InvalidInputError(
    'A part of the form has a Content-Transfer-Encoding. Send its bytes as they are.',
  );
}

function broken(cause: unknown): InvalidInputError {
  return new InvalidInputError('The body is not the form that its Content-Type says (multipart/form-data).', {
    cause,
  });
}
