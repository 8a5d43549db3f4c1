/**
 * Pictures that a model did not know, kept to be labelled by people: `models/<model>/unknown/<sha256>`, and `.json` with what it was told.
 * A picture waits when it has both. Who asks very much cannot fill the store: both number and bytes have an end.
 */
import { z } from 'zod';
import { NotFoundError } from '../errors.ts';
import { sha256 } from '../storage/local-file.ts';
import type { ObjectStore } from '../storage/store.ts';
import { encode, readDocument } from './documents.ts';
import { unknownPrefix } from './layout.ts';
import { checkName } from './names.ts';

const notesSchema = z.strictObject({
  at: z.iso.datetime(),
  /** The version that was asked, and what it answered. */
  version: z.int().min(1),
  class: z.string(),
  distance: z.number(),
  threshold: z.number().nullable(),
  /** Of the picture. */
  type: z.string(),
  bytes: z.int().min(1),
});
export type UnknownNotes = Readonly<z.infer<typeof notesSchema>>;

export interface UnknownPicture extends UnknownNotes {
  /** The SHA-256 of its bytes. */
  readonly id: string;
}

export interface QueueSize {
  readonly pictures: number;
  readonly bytes: number;
}

const ID = /^[0-9a-f]{64}$/;

/** Puts a picture there, once; the same one again keeps its first notes. @returns whether it is new */
export async function addUnknown(
  store: ObjectStore,
  model: string,
  bytes: Uint8Array,
  notes: Omit<UnknownNotes, 'bytes'>,
): Promise<boolean> {
  checkName(model, 'model');
  const key = `${unknownPrefix(model)}${sha256(bytes)}`;
  if ((await store.head(`${key}.json`)) !== null) return false;
  await store.put(key, bytes);
  await store.put(`${key}.json`, encode({ ...notes, bytes: bytes.length }));
  return true;
}

/** How much waits, what is half put there or half removed included. */
export async function unknownSize(store: ObjectStore, model: string): Promise<QueueSize> {
  checkName(model, 'model');
  const size = { pictures: 0, bytes: 0 };
  for await (const { key, size: bytes } of store.list(unknownPrefix(model))) {
    size.bytes += bytes;
    if (!key.endsWith('.json')) size.pictures++;
  }
  return size;
}

/** Those that wait, by id. @param after begin behind this id */
export async function listUnknown(
  store: ObjectStore,
  model: string,
  { after = '', most }: { readonly after?: string | undefined; readonly most: number },
): Promise<UnknownPicture[]> {
  checkName(model, 'model');
  const prefix = unknownPrefix(model);
  const pictures: UnknownPicture[] = [];
  for await (const { key, problem } of store.list(prefix)) {
    const id = key.slice(prefix.length, -'.json'.length);
    if (problem || !key.endsWith('.json') || !ID.test(id) || id <= after) continue;
    const found = await readDocument(store, key, notesSchema);
    if (found !== null) pictures.push({ id, ...found.value });
    if (pictures.length >= most) break;
  }
  return pictures;
}

/**
 * One of them with its content in pieces, of which there are as many bytes as its notes say.
 * @throws NotFoundError
 */
export async function readUnknown(
  store: ObjectStore,
  model: string,
  id: string,
): Promise<UnknownPicture & { readonly content: AsyncIterable<Uint8Array> }> {
  checkName(model, 'model');
  const key = `${unknownPrefix(model)}${id}`;
  const notes = ID.test(id) ? await readDocument(store, `${key}.json`, notesSchema) : null;
  const content = notes && (await store.read(key));
  if (notes === null || content === null) {
    throw new NotFoundError(
      `No unknown picture ${JSON.stringify(id.slice(0, 64))} waits to be labelled; perhaps somebody else was faster.`,
    );
  }
  return { id, ...notes.value, content };
}

/** Takes it out. @throws NotFoundError */
export async function removeUnknown(store: ObjectStore, model: string, id: string): Promise<void> {
  checkName(model, 'model');
  const key = `${unknownPrefix(model)}${id}`;
  if (!ID.test(id) || (await store.head(`${key}.json`)) === null) {
    throw new NotFoundError(`No unknown picture ${JSON.stringify(id.slice(0, 64))} waits to be labelled.`);
  }
  await store.delete(`${key}.json`);
  await store.delete(key);
}
