/** Two versions, each with its own gallery, asked about the same pictures. */
import { embedPictures } from '../embedding/embed-pictures.ts';
import { compareText, createGallery, embeddingAt } from '../gallery/gallery.ts';
import type { Gallery } from '../gallery/gallery.ts';
import { createDecider } from '../gallery/decision.ts';
import { createSearch } from '../gallery/search.ts';
import type { Picture } from '../images/dataset.ts';
import type { OpenedVersion } from '../registry/open-version.ts';
import type { Registry } from '../registry/registry.ts';
import { comparePaired } from '../training/evaluation/paired.ts';
import type { PairedComparison } from '../training/evaluation/paired.ts';
import type { TrainingContext } from '../pipeline/context.ts';

/** Versions on the same pictures. Plain JSON. */
export interface Comparison {
  readonly first: Compared;
  readonly second: Compared;
  /** How many pictures both were asked about. */
  readonly images: number;
  readonly leftOut: LeftOutCounts;
  /** Of the first against the second; null where no picture is left. */
  readonly paired: PairedComparison | null;
  readonly perClass: readonly ComparedClass[];
  /** The pictures whose answers differ. */
  readonly changed: readonly ChangedAnswer[];
}

interface Compared {
  readonly model: string;
  readonly version: number;
  readonly right: number;
  /** Null where no picture is left. */
  readonly accuracy: number | null;
}

interface LeftOutCounts {
  /** Pictures that one of the versions was trained on. */
  readonly trained: number;
  /** Pictures that cannot be decoded, or are gone. */
  readonly unreadable: number;
}

interface ComparedClass {
  readonly class: string;
  readonly images: number;
  /** How many of them each version has right. */
  readonly first: number;
  readonly second: number;
}

interface ChangedAnswer {
  readonly key: string;
  readonly class: string;
  readonly first: Told;
  readonly second: Told;
}

/** Progress reports and cancellation. */
export type Talk = Pick<TrainingContext, 'signal' | 'report'>;

/** What a picture was told, and whether that is right. */
interface Told {
  readonly class: string;
  readonly right: boolean;
}

/**
 * Asks both versions. Pictures that one of them was trained on are left out. What a gallery has of a picture itself is taken out of it
 * before it is asked. A class that was renamed in a gallery is right by its new name.
 * @throws CancelledError
 */
export async function compareVersions(
  registry: Registry,
  versions: { readonly first: OpenedVersion; readonly second: OpenedVersion },
  pictures: readonly Picture[],
  talk: Talk,
): Promise<Comparison> {
  const trained = new Set<string>();
  for (const { model, version } of [versions.first, versions.second]) {
    const { dataSet } = await registry.knownManifest(model, version);
    for (const { sha256 } of dataSet.pictures) trained.add(sha256);
  }
  const asked = pictures.filter(({ sha256 }) => !trained.has(sha256));
  const half =
    (from: number): Talk['report'] =>
    (told) =>
      talk.report('done' in told ? { ...told, done: told.done + from, total: 2 * asked.length } : told);
  const first = await ask(versions.first, asked, { ...talk, report: half(0) });
  const second = await ask(versions.second, asked, { ...talk, report: half(asked.length) });
  const answers = asked.flatMap((picture) => {
    const [a, b] = [first.get(picture), second.get(picture)];
    return a === undefined || b === undefined ? [] : [{ picture, first: a, second: b }];
  });
  const leftOut = { trained: pictures.length - asked.length, unreadable: asked.length - answers.length };
  return comparisonOf(versions, answers, leftOut);
}

interface Both {
  readonly picture: Picture;
  readonly first: Told;
  readonly second: Told;
}

function comparisonOf(
  { first, second }: { readonly first: OpenedVersion; readonly second: OpenedVersion },
  answers: readonly Both[],
  leftOut: LeftOutCounts,
): Comparison {
  const rights = (of: 'first' | 'second'): boolean[] => answers.map((answer) => answer[of].right);
  return {
    first: compared(first, rights('first')),
    second: compared(second, rights('second')),
    images: answers.length,
    leftOut,
    paired: answers.length === 0 ? null : comparePaired(rights('first'), rights('second')),
    perClass: perClassOf(answers),
    changed: answers.flatMap(({ picture, first: a, second: b }) =>
      a.class === b.class ? [] : [{ key: picture.key, class: picture.className, first: a, second: b }],
    ),
  };
}

function compared({ model, version }: OpenedVersion, rights: readonly boolean[]): Compared {
  const right = rights.filter(Boolean).length;
  return { model, version, right, accuracy: rights.length === 0 ? null : right / rights.length };
}

function perClassOf(answers: readonly Both[]): ComparedClass[] {
  const classes = new Map<string, { images: number; first: number; second: number }>();
  for (const { picture, first, second } of answers) {
    const sum = classes.get(picture.className) ?? { images: 0, first: 0, second: 0 };
    classes.set(picture.className, {
      images: sum.images + 1,
      first: sum.first + Number(first.right),
      second: sum.second + Number(second.right),
    });
  }
  return [...classes]
    .map(([name, counts]) => ({ class: name, ...counts }))
    .sort((a, b) => compareText(a.class, b.class));
}

async function ask(
  version: OpenedVersion,
  pictures: readonly Picture[],
  { signal, report }: Talk,
): Promise<Map<Picture, Told>> {
  const { embedder, contents } = version;
  const { dimensions } = embedder;
  const embedded = await embedPictures(embedder, pictures, {
    signal,
    onProgress: (done, total) => report({ phase: 'embedding', part: 'compared', done, total }),
  });
  const answer = answererOf(version);
  return new Map(
    embedded.pictures.map((picture, row) => {
      const told = answer(embedded.embeddings.subarray(row * dimensions, (row + 1) * dimensions), picture);
      return [picture, { class: told, right: told === contents.classOfFolder(picture.className) }];
    }),
  );
}

/** Tells an embedding's class, without the help of the same picture. */
function answererOf({
  gallery,
  calibration,
}: OpenedVersion): (query: Float32Array, picture: Pick<Picture, 'sha256'>) => string {
  const deciderOf = (of: Gallery) => createDecider(createSearch(of), { calibration, top: 1 });
  const held = new Set(gallery.sha256);
  const decide = gallery.keys.length === 0 ? null : deciderOf(gallery);
  return (query, { sha256 }) => {
    if (!held.has(sha256)) return decide?.(query).class ?? '';
    const rest = without(gallery, sha256);
    return rest.keys.length === 0 ? '' : deciderOf(rest)(query).class;
  };
}

function without(gallery: Gallery, sha256: string): Gallery {
  const rows = [...gallery.keys.keys()].filter((row) => gallery.sha256[row] !== sha256);
  const embeddings = new Float32Array(rows.length * gallery.dimensions);
  for (const [at, row] of rows.entries()) {
    embeddings.set(embeddingAt(gallery, row), at * gallery.dimensions);
  }
  const of = (column: readonly string[]): string[] => rows.map((row) => column[row] ?? '');
  return createGallery({
    ...gallery,
    keys: of(gallery.keys),
    classes: of(gallery.classes),
    sha256: of(gallery.sha256),
    embeddings,
  });
}
