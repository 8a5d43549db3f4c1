import { InvalidInputError, UnreadableImageError } from '../errors.ts';
import { requireOneSpelling } from '../spelling.ts';
import { quote } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/store.ts';
import { THUMBNAIL_SIZE, checkClasses, dataSetOf } from './dataset.ts';
import type { DataSet, DataSetProblem, Picture } from './dataset.ts';
import { checkConcurrency, defaultConcurrency } from './decode-pictures.ts';
import { decodeImage } from './decode.ts';
import { sortOutDuplicates } from './duplicates.ts';
import { inOrder } from './in-order.ts';
import { listDataSet } from './list-dataset.ts';
import type { DataSetFile } from './list-dataset.ts';
import { resolveLimits } from './limits.ts';
import type { ImageLimits } from './limits.ts';
import { digest, storedPicture } from './picture.ts';
import type { DecodedImage } from './pixels.ts';
import { checkByteCount, probeImage } from './probe.ts';

export interface DataSetOptions {
  /** @default the last part of the prefix, or else of the store's address */
  readonly name?: string;
  readonly limits?: Partial<ImageLimits>;
  /** Fewer classes with a readable picture are an error; 1 is enough for pictures that join others. @default 2 */
  readonly fewestClasses?: 1 | 2;
  /**
   * How far each file is looked into: `pixels` decodes it once, small, and so finds every unreadable file now;
   * `header` is some ten times as fast and leaves a file that is cut short to whoever decodes it.
   * @default 'pixels'
   */
  readonly verify?: 'pixels' | 'header';
  /** Whether a class may be there in two spellings of Unicode, for who makes one of them. @default false */
  readonly anySpelling?: boolean;
  /** Files in memory at once. @default twice the cores, at most 16 */
  readonly concurrency?: number;
  /** Called after each file. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

const THUMBNAIL = { size: THUMBNAIL_SIZE, fit: 'squash', kernel: 'linear' } as const;

interface Scan {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly limits: ImageLimits;
  readonly verify: 'pixels' | 'header';
}

/**
 * Scans the pictures under `<prefix><class>/<file>`. Each file that cannot be used is reported in `problems` with its
 * reason, and the scan goes on; only a store that fails altogether throws. Names are kept as they are. Formats are told by content, not by name.
 * @param prefix '' or a folder's key; a missing "/" at its end is added
 * @throws InvalidInputError when fewer than two classes (or as many as the options say) have a readable picture, or one is there in two spellings
 */
export async function openDataSet(
  store: ObjectStore,
  prefix: string,
  options: DataSetOptions = {},
): Promise<DataSet> {
  const scan: Scan = {
    store,
    prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`,
    limits: resolveLimits(options.limits),
    verify: options.verify ?? 'pixels',
  };
  const concurrency = checkConcurrency(options.concurrency ?? defaultConcurrency());
  const { files, problems } = await listDataSet(store, scan.prefix);
  const name = options.name ?? nameOf(scan);
  if (!options.anySpelling) {
    requireOneSpelling(new Set(files.map(({ className }) => className)), `The data set ${quote(name)}`);
  }
  const pictures: Picture[] = [];
  let done = 0;
  for await (const result of inOrder(files, concurrency, (file) => examine(scan, file))) {
    if ('kind' in result) problems.push(result);
    else pictures.push(result);
    options.onProgress?.({ done: ++done, total: files.length });
  }
  const { kept, problems: duplicates } = sortOutDuplicates(pictures);
  return checkClasses(dataSetOf(name, kept, [...problems, ...duplicates]), options.fewestClasses);
}

async function examine(scan: Scan, file: DataSetFile): Promise<Picture | DataSetProblem> {
  try {
    checkByteCount(file.size, scan.limits);
    const bytes = (await scan.store.get(file.key))?.bytes;
    if (!bytes) throw new UnreadableImageError('it went away while the data set was scanned');
    const small = await lookInto(scan, bytes);
    return storedPicture(scan.store, file.key, file.path, file.className, digest(bytes), small);
  } catch (error) {
    const kind = problemKind(error);
    if (kind === null) throw error;
    return { key: file.path, kind, reason: (error as Error).message };
  }
}

/** @returns the picture, small, unless only its header is read */
async function lookInto({ verify, limits }: Scan, bytes: Uint8Array): Promise<DecodedImage | undefined> {
  if (verify === 'pixels') return decodeImage(bytes, THUMBNAIL, limits);
  await probeImage(bytes, limits);
  return undefined;
}

const FILE_ERRORS = new Set(['EACCES', 'EPERM', 'EIO', 'ELOOP', 'EISDIR', 'ENAMETOOLONG']);

/** Null for what is not this one file's fault: a full table of open files, a network that is down. */
export function problemKind(error: unknown): 'unreadable' | 'outside' | null {
  if (error instanceof UnreadableImageError) return 'unreadable';
  if (error instanceof InvalidInputError) return 'outside';
  const cause = error instanceof Error ? (error.cause ?? error) : null;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && FILE_ERRORS.has(code) ? 'unreadable' : null;
}

function nameOf({ prefix, store }: Scan): string {
  const last = (path: string) => path.split(/[/\\]/).findLast((part) => part !== '');
  return last(prefix) ?? last(store.uri) ?? store.uri;
}
