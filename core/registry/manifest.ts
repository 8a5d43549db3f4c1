import { z } from 'zod';
import { InvalidInputError } from '../errors.ts';
import { sha256 } from '../storage/local-file.ts';
import { damaged, parseDocument, parseJson } from './documents.ts';
import { manifestKey } from './layout.ts';

const sha = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in hex');
const count = z.number().int().min(0);
const snapshot = z.strictObject({
  /** Its name in the registry, or the folder's name. */
  name: z.string(),
  pictures: z.array(z.strictObject({ key: z.string(), sha256: sha })),
});

/** What a training says about the version it made; the rest of the manifest is the registry's to say. */
const origin = {
  recipe: z.strictObject({ name: z.string().min(1), options: z.record(z.string(), z.json()) }),
  seed: z.number().int(),
  /** Every picture that was learnt from. */
  dataSet: snapshot,
  /** The dataset of the registry that it was trained on, which its gallery follows; null: a folder, or one elsewhere. */
  follows: z.string().nullable(),
  /** The last change in the log of the model's gallery when that dataset was listed; null: there was none. */
  position: z.string().nullable(),
  /** Every picture of the data set that it was judged on, if that was another one. */
  testSet: snapshot.nullable(),
  /** Name to version of what took part: kindred, node, tensorflow, sharp ... */
  libraries: z.record(z.string(), z.string()),
  /** What computed it: name, device ... */
  engine: z.record(z.string(), z.string()),
  metrics: z.record(z.string(), z.json()),
  /** The version that this one was made from. */
  parent: z.strictObject({ model: z.string(), version: z.number().int().min(1) }).nullable(),
  createdBy: z.string(),
  /** The job that published it. */
  job: z.string().nullable(),
};

const originSchema = z.strictObject(origin);
const manifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: z.string(),
  version: z.number().int().min(1),
  createdAt: z.iso.datetime(),
  ...origin,
  /** Every file by its name below the version, additions to the gallery apart. */
  files: z.record(
    z.string(),
    z.strictObject({
      size: count,
      sha256: sha,
      /** It lies in the blobs, which versions share, and not below the version. */
      blob: z.literal(true).optional(),
    }),
  ),
  /** SHA-256 of this document without this field, as JSON without white space. */
  checksum: sha,
});

export type Origin = z.infer<typeof originSchema>;
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type DataSetSnapshot = z.infer<typeof snapshot>;

/** @throws InvalidInputError when a field is missing, unknown or not storable as JSON (NaN, say) */
export function parseOrigin(value: unknown): Origin {
  const parsed = originSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw new InvalidInputError(`The version cannot be published: ${problems}`);
}

/** Adds the checksum. */
export function seal(manifest: Omit<Manifest, 'checksum'>): Manifest {
  return { ...manifest, checksum: checksumOf(manifest) };
}

/**
 * Parses the manifest of this version of this model.
 * @throws CorruptDataError when it was changed since it was written, or belongs elsewhere
 */
export function parseManifest(bytes: Uint8Array, model: string, version: number): Manifest {
  const key = manifestKey(model, version);
  const raw = parseJson(bytes, key);
  if (typeof raw !== 'object' || raw === null) throw damaged(key, 'it is not an object');
  if ('schemaVersion' in raw && raw.schemaVersion !== 1) {
    throw damaged(key, `its schemaVersion is ${JSON.stringify(raw.schemaVersion)}, this Kindred reads 1`);
  }
  const { checksum, ...rest }: { checksum?: unknown } = raw;
  if (checksum !== checksumOf(rest)) throw damaged(key, 'it was changed after it was written (checksum)');
  const manifest = parseDocument(bytes, key, manifestSchema);
  if (manifest.model !== model || manifest.version !== version) {
    throw damaged(key, `it is the manifest of version ${manifest.version} of "${manifest.model}"`);
  }
  return manifest;
}

function checksumOf(value: object): string {
  // Once to and fro: reading puts number-like keys of an object first, wherever they were written.
  const asRead: unknown = JSON.parse(JSON.stringify(value));
  return sha256(new TextEncoder().encode(JSON.stringify(asRead)));
}
