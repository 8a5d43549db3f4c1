/** Pictures of a folder, and their way into a data set. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface Picture {
  readonly class: string;
  readonly file: string;
  /** As in Content-Type. */
  readonly type: string;
  readonly bytes: Buffer<ArrayBuffer>;
}

/** All pictures of a folder with a folder for each class. @throws Error when there is none */
export async function picturesOf(folder: string): Promise<Picture[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const pictures = names.filter((name) => /^[^/]+\/[^/]+\.(jpe?g|png|webp)$/i.test(name)).toSorted();
  if (pictures.length === 0)
    throw new Error(
      `No picture is at ${folder}/<class>/<file>: --data FOLDER needs FOLDER/train and FOLDER/test.`,
    );
  return Promise.all(
    pictures.map(async (name) => ({
      class: path.dirname(name),
      file: path.basename(name),
      type: typeOf(name),
      bytes: Buffer.from(await readFile(path.join(folder, name))),
    })),
  );
}

function typeOf(file: string): string {
  const ending = path.extname(file).slice(1).toLowerCase();
  return `image/${ending === 'jpg' ? 'jpeg' : ending}`;
}

/** Some of them, evenly spread. */
export function some<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)] as T);
}

/** What an upload may be, as the interface asks for it. */
export interface Wanted {
  readonly class: string;
  readonly file: string;
  readonly type: string;
  readonly bytes: number;
}

/** Where one picture of just that type and length may be put. */
export interface Upload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Uploads pictures straight to the store, a hundred at a time.
 * @param addressesFor what the interface answers to POST /v1/datasets/.../uploads
 */
export async function upload(
  pictures: readonly Picture[],
  addressesFor: (files: readonly Wanted[]) => Promise<readonly Upload[]>,
): Promise<void> {
  const most = 100;
  for (let first = 0; first < pictures.length; first += most) {
    const part = pictures.slice(first, first + most);
    const addresses = await addressesFor(
      part.map(({ class: name, file, type, bytes }) => ({ class: name, file, type, bytes: bytes.length })),
    );
    await Promise.all(addresses.map(async ({ url, headers }, i) => put(url, headers, part[i] as Picture)));
  }
}

async function put(
  url: string,
  headers: Readonly<Record<string, string>>,
  { bytes }: Picture,
): Promise<void> {
  const response = await fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes });
  if (!response.ok) throw new Error(`PUT ${url}: ${response.status} ${await response.text()}`);
}
