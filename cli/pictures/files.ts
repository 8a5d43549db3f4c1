import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Embedder } from '../../core/embedding/embedder.ts';
import { CorruptDataError, KindredError, NotFoundError, UnreadableImageError } from '../../core/errors.ts';
import { checkName } from '../../core/gallery/names.ts';
import type { Picture } from '../../core/images/dataset.ts';
import { DEFAULT_LIMITS } from '../../core/images/limits.ts';
import { digest } from '../../core/images/picture.ts';
import type { ToAdd } from '../gallery-add.ts';
import { progressOn } from '../output/progress.ts';
import type { Terminal } from '../output/terminal.ts';

/** A picture that was named on the command line, and what came of it. */
export type EmbeddedFile =
  | { readonly image: string; readonly embedding: Float32Array; readonly error?: undefined }
  | { readonly image: string; readonly error: string; readonly embedding?: undefined };

/**
 * The file's bytes.
 * @throws NotFoundError; UnreadableImageError when it is no file, or larger than pictures may be
 */
export async function readPictureFile(file: string): Promise<Uint8Array> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new UnreadableImageError('it is a folder, not a picture');
    if (!found.isFile()) throw new UnreadableImageError('it is not a regular file');
    if (found.size > DEFAULT_LIMITS.bytes) {
      throw new UnreadableImageError(`it has ${found.size} bytes; at most ${DEFAULT_LIMITS.bytes} are read`);
    }
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw explained(error);
  }
}

/** Embeds pictures in their order; one that cannot be read or decoded has its error in its place. */
export async function embedFiles(
  terminal: Terminal,
  embedder: Embedder,
  images: readonly string[],
): Promise<EmbeddedFile[]> {
  const { embedPictures } = await import('../../core/embedding/embed-pictures.ts');
  const pictures: Picture[] = images.map((image) => ({
    key: image,
    className: '',
    sha256: '',
    read: () => readPictureFile(image),
  }));
  const progress = progressOn(terminal, 'pictures');
  const embedded = await embedPictures(embedder, pictures, { onProgress: progress.update });
  progress.end();
  const { dimensions } = embedder;
  const rows = new Map(embedded.pictures.map((picture, row) => [picture, row]));
  const reasons = new Map(embedded.rejected.map(({ picture, reason }) => [picture, reason]));
  return pictures.map((picture): EmbeddedFile => {
    const row = rows.get(picture);
    const image = picture.key;
    if (row === undefined) return { image, error: reasons.get(picture) ?? 'it cannot be read' };
    return { image, embedding: embedded.embeddings.slice(row * dimensions, (row + 1) * dimensions) };
  });
}

/** Names the files that failed on stderr, and makes the command fail. */
export function tellFailures(
  terminal: Terminal,
  files: readonly { image: string; error?: string | undefined }[],
): void {
  const failed = files.filter(({ error }) => error !== undefined);
  for (const { image, error } of failed) terminal.note(`${JSON.stringify(image)}: ${error}`);
  if (failed.length > 0) process.exitCode = 1;
}

/** Files as pictures of one class, named as they are; those that cannot be read apart. */
export async function filesAsPictures(images: readonly string[], className: string): Promise<ToAdd> {
  const pictures: { image: string; picture: Picture }[] = [];
  const failed: { image: string; error: string }[] = [];
  for (const image of images) {
    try {
      const bytes = await readPictureFile(image);
      const file = path.basename(image);
      checkName(file, 'file');
      const sha256 = digest(bytes);
      const picture = {
        key: `${className}/${file}`,
        className,
        sha256,
        read: async () => unchanged(await readPictureFile(image), sha256),
      };
      pictures.push({ image, picture });
    } catch (error) {
      if (!(error instanceof KindredError)) throw error;
      failed.push({ image, error: error.message });
    }
  }
  return { pictures, failed };
}

/** What is embedded and kept is what the checksum is of. @throws CorruptDataError */
function unchanged(bytes: Uint8Array, sha256: string): Uint8Array {
  if (digest(bytes) === sha256) return bytes;
  throw new CorruptDataError('it changed while it was being added; add it again');
}

function explained(error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new NotFoundError('there is no such file', { cause: error });
  if (code === 'EACCES' || code === 'EPERM')
    return new UnreadableImageError('permission to read it is denied', { cause: error });
  if (code === 'ELOOP')
    return new UnreadableImageError('its symbolic links lead in a circle', { cause: error });
  return error;
}
