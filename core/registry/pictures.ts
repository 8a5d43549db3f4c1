/**
 * The pictures that were added to galleries of a model, so that another version can embed them again. Each is kept once, under its
 * checksum, for all versions of the model; one that a data set of the registry has is only pointed to.
 */
import { z } from 'zod';
import { ConflictError, CorruptDataError, NotFoundError } from '../errors.ts';
import type { Picture } from '../images/dataset.ts';
import { inOrder } from '../images/in-order.ts';
import { storedPicture } from '../images/picture.ts';
import { sha256 } from '../storage/local-file.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode, readDocument } from './documents.ts';
import { pictureKey, pictureSourceKey } from './layout.ts';
import { checkName } from './names.ts';
import { keptKeys, whileAdding } from './picture-clearing.ts';

/** A picture that a gallery gets. */
export interface KeptPicture extends Pick<Picture, 'sha256' | 'read'> {
  /** Its key, where a data set of the same registry has it. */
  readonly source?: string | undefined;
}

const sourceSchema = z.strictObject({ key: z.string() });

/** Of pictures that are only pointed to; others are read, and so many bytes are not to be in memory. */
const NOTES_AT_ONCE = 16;

export interface KeepOptions {
  /** Most of them are kept already, so that what there is, is listed, instead of each being asked for. @default false */
  readonly mostlyKept?: boolean;
}

/**
 * Keeps the pictures and then does what refers to them; meanwhile nobody clears them away. Pictures are read one after another.
 * @param refer writes the segment that adds them
 * @throws CorruptDataError when a picture is not the one any more that its checksum is of; nothing refers to any of them then
 */
export async function keepPictures<T>(
  store: ObjectStore,
  model: string,
  pictures: readonly KeptPicture[],
  refer: () => Promise<T>,
  { mostlyKept = false }: KeepOptions = {},
): Promise<T> {
  checkName(model, 'model');
  if (pictures.length === 0) return refer();
  return whileAdding(store, model, async () => {
    const there = mostlyKept ? await keptKeys(store, model) : new Map<string, unknown>();
    await keepAll(
      store,
      model,
      pictures.filter((picture) => !there.has(picture.sha256)),
    );
    return refer();
  });
}

async function keepAll(store: ObjectStore, model: string, pictures: readonly KeptPicture[]): Promise<void> {
  const pointed = pictures.filter(({ source }) => source !== undefined);
  const whole = pictures.filter(({ source }) => source === undefined);
  for await (const _ of inOrder(pointed, NOTES_AT_ONCE, (picture) => keep(store, model, picture)));
  for (const picture of whole) await keep(store, model, picture);
}

async function keep(store: ObjectStore, model: string, picture: KeptPicture): Promise<void> {
  const { sha256: sum, source } = picture;
  if (source !== undefined) {
    await store.put(pictureSourceKey(model, sum), encode({ key: source }));
    return;
  }
  if ((await store.head(pictureKey(model, sum))) !== null) return;
  const bytes = await picture.read();
  if (sha256(bytes) !== sum) {
    throw new CorruptDataError(
      `A picture changed while it was added: its SHA-256 was ${sum} and is ${sha256(bytes)}. Nothing was added; try again.`,
    );
  }
  await store.put(pictureKey(model, sum), bytes, { ifAbsent: true }).catch(ignoreConflict);
}

/**
 * A picture that was kept, by its checksum; null when it was not, or is gone from its data set.
 * @throws CorruptDataError when what was noted of it is damaged
 */
export async function keptPicture(
  store: ObjectStore,
  model: string,
  sum: string,
  { key, className }: { readonly key: string; readonly className: string },
): Promise<Picture | null> {
  const own = pictureKey(model, sum);
  if ((await store.head(own)) !== null) return storedPicture(store, own, key, className, sum);
  const source = await readDocument(store, pictureSourceKey(model, sum), sourceSchema);
  if (source === null) return null;
  const picture = storedPicture(store, source.value.key, key, className, sum);
  try {
    await picture.read();
    return picture;
  } catch (error) {
    // Another picture has that name by now.
    if (error instanceof NotFoundError || error instanceof CorruptDataError) return null;
    throw error;
  }
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
