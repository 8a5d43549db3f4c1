/** Versions with a real, tiny network: a picture's mean colour, times a matrix. Pictures are plain colours. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { embedPictures } from '../../../core/embedding/embed-pictures.ts';
import type { EmbeddedPictures } from '../../../core/embedding/embed-pictures.ts';
import { writeGallery } from '../../../core/gallery/arrow.ts';
import { createGallery } from '../../../core/gallery/gallery.ts';
import { fileOf } from '../../../core/gallery/names.ts';
import { addImages } from '../../../core/gallery/operations.ts';
import type { Picture } from '../../../core/images/dataset.ts';
import { digest } from '../../../core/images/picture.ts';
import { NETWORK_FILE, makeNetworkFiles } from '../../../core/pipeline/network-files.ts';
import { PIXELS } from '../../../core/network/graph.ts';
import type { NetworkGraph } from '../../../core/network/graph.ts';
import { saveNetwork } from '../../../core/network/saved-network.ts';
import { encode } from '../../../core/registry/documents.ts';
import { putEmbeddings } from '../../../core/registry/embeddings.ts';
import { keepImages } from '../../../core/registry/kept-images.ts';
import type { Manifest } from '../../../core/registry/manifest.ts';
import { openGallery, openNames, openVersion } from '../../../core/registry/open-version.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { bytes, draft } from './support.ts';

const SIZE = 4;
const graph: NetworkGraph = {
  inputSize: SIZE,
  nodes: [
    { op: 'global-average-pool', name: 'mean', inputs: [PIXELS] },
    { op: 'dense', name: 'seen', inputs: ['mean'], units: 3, bias: false },
  ],
  output: 'seen',
  trainableAfter: null,
};

type Colour = readonly [red: number, green: number, blue: number];

/** How much a version sees of red, green and blue. */
export const SHARP: Colour = [1, 1, 1];
export const OTHER: Colour = [0.5, 2, 1];
export const COLOUR_BLIND: Colour = [0, 0, 1];

const COLOURS: Readonly<Record<string, Colour>> = {
  red: [200, 30, 30],
  green: [30, 200, 30],
  blue: [30, 30, 200],
  yellow: [200, 200, 30],
};

/** A picture of a class, which is named after its colour; `n` tells pictures of a class apart. */
export async function picture(className: string, n: number, colour = className): Promise<Picture> {
  const [red = 0, green = 0, blue = 0] = COLOURS[colour]?.map((value) => value + n) ?? [];
  const background = { r: red, g: green, b: blue };
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toBuffer();
  const content = new Uint8Array(png);
  return {
    key: `${className}/${n}.png`,
    className,
    sha256: digest(content),
    read: () => Promise.resolve(content),
  };
}

/** Pictures `from` up to `to` of each class. */
export async function pictures(classes: readonly string[], from: number, to: number): Promise<Picture[]> {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  return Promise.all(classes.flatMap((name) => numbers.map(async (n) => picture(name, n))));
}

/** Publishes a version of "colours" whose gallery is what it was trained on, as if just listed, and the test pictures. */
export async function publishColours(
  registry: Registry,
  sees: Colour,
  train: readonly Picture[],
  test: readonly Picture[] = [],
  { job = null, follows = null }: { readonly job?: string | null; readonly follows?: string | null } = {},
): Promise<Manifest> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-colours-'));
  try {
    const kernel = Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? (sees[i / 4] ?? 0) : 0));
    const source = { name: 'seen/kernel', shape: [3, 3], pieces: () => [kernel] };
    const preprocessing = { size: SIZE, fit: 'squash', kernel: 'linear' } as const;
    await saveNetwork(path.join(folder, NETWORK_FILE), { graph, preprocessing }, [source]);
    const { files, id, embedder } = await makeNetworkFiles(folder, train);
    const embedded = await embedPictures(embedder, [...train, ...test]);
    embedder.dispose();
    const snapshot = (of: readonly Picture[]) => of.map(({ key, sha256 }) => ({ key, sha256 }));
    return await registry.publish(
      'colours',
      draft({
        dataSet: { name: 'colours', pictures: snapshot(train) },
        testSet: test.length === 0 ? null : { name: 'colours', pictures: snapshot(test) },
        job,
        follows,
        position: (await registry.changes('colours')).at(-1)?.id ?? null,
        files: {
          ...files,
          'gallery.arrow': await writeGallery(
            createGallery({
              dimensions: 3,
              keys: embedded.pictures.map(({ key }) => key),
              classes: embedded.pictures.map(({ className }) => className),
              sha256: embedded.pictures.map(({ sha256 }) => sha256),
              embeddings: embedded.embeddings,
              embedder: { model: 'colours', version: id },
            }),
          ),
          'evaluation.json': encode({ evaluation: null, calibration: null }),
          'training.json': bytes('{}'),
        },
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Embeds with a version's own network. */
export async function embedWith(
  registry: Registry,
  version: number,
  of: readonly Picture[],
): Promise<EmbeddedPictures> {
  const { embedder } = await openVersion(registry, { model: 'colours', version, alias: null });
  try {
    return await embedPictures(embedder, of);
  } finally {
    embedder.dispose();
  }
}

/**
 * Adds images to the model's gallery as the command does, embedded by a version's network.
 * @param keep those whose bytes are kept
 * @returns the id of the change
 */
export async function add(
  registry: Registry,
  version: number,
  added: readonly Picture[],
  keep: readonly Picture[] = added,
): Promise<string> {
  const { store } = registry;
  const { pictures: embedded, embeddings } = await embedWith(registry, version, added);
  const { made } = await openNames(registry, { model: 'colours', version, alias: null });
  const rows = embedded.map(({ sha256 }, row): [string, Float32Array] => [
    sha256,
    embeddings.slice(row * made.dimensions, (row + 1) * made.dimensions),
  ]);
  await putEmbeddings(store, 'colours', made, new Map(rows));
  await keepImages(store, keep);
  const { contents } = await openNames(registry, { model: 'colours', version, alias: null });
  const images = embedded.map(({ key, className, sha256 }) => ({
    class: className,
    sha256,
    file: fileOf(key),
    source: null,
  }));
  const facts = addImages(contents, images).fresh.map(({ fact }) => fact);
  const log = await registry.append('colours', contents.changes, facts, 'a test');
  return log.at(-1)?.id ?? '';
}

/** Keys of a version's gallery, and for each the embedding that its own network makes of that picture. */
export async function rowsOfVersion(registry: Registry, version: number): Promise<[string, number[]][]> {
  const { gallery } = await openGallery(registry, { model: 'colours', version, alias: null });
  return gallery.keys.map((key, row) => [key, [...gallery.embeddings.subarray(row * 3, row * 3 + 3)]]);
}
