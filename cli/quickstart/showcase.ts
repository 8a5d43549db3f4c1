import path from 'node:path';
import type { Decision } from '../../core/gallery/decision.ts';
import type { DataSet, Picture } from '../../core/images/dataset.ts';
import { openDataSet } from '../../core/images/open-dataset.ts';
import type { OpenedVersion } from '../../core/registry/open-version.ts';
import { fsStore } from '../../core/storage/fs.ts';
import { confusedPairs } from '../../core/training/evaluation/confusion.ts';
import type { Confusion } from '../../core/training/evaluation/confusion.ts';
import { deciderOf } from '../classify.ts';
import type { Context } from '../context.ts';
import { embedFiles } from '../pictures/files.ts';

const RIGHT = 3;
const TOP = 3;

/** What a version says of a test picture. */
export interface Shown extends Decision {
  /** The picture, `<class>/<file>`. */
  readonly picture: string;
  /** The class that it is. */
  readonly actual: string;
}

/** Classifies some test pictures: a few right ones of different classes, and a wrong one if there is any. */
export async function showcase(
  context: Context,
  loaded: OpenedVersion,
  folder: string,
  confusion: Confusion | null,
): Promise<Shown[]> {
  const dataSet = await openDataSet(fsStore(folder), '', { verify: 'header' });
  const answer = answererOf(context, loaded, folder);
  const firsts = await answer(firstOfEachClass(dataSet));
  const right = firsts.filter(isRight).slice(0, RIGHT);
  const wrong = firsts.find((shown) => !isRight(shown)) ?? (await wrongOne(dataSet, confusion, answer));
  return wrong === undefined ? right : [...right, wrong];
}

type Answerer = (pictures: readonly Picture[]) => Promise<Shown[]>;

function answererOf({ terminal }: Context, loaded: OpenedVersion, folder: string): Answerer {
  const decide = deciderOf(loaded, { top: TOP, point: 'balanced' });
  return async (pictures) => {
    const files = await embedFiles(
      terminal,
      loaded.embedder,
      pictures.map(({ key }) => path.join(folder, key)),
    );
    return pictures.flatMap(({ key, className }, i) => {
      const embedding = files[i]?.embedding;
      return embedding === undefined ? [] : [{ picture: key, actual: className, ...decide(embedding) }];
    });
  };
}

const isRight = (shown: Shown): boolean => shown.class === shown.actual;

function firstOfEachClass({ classes, pictures }: DataSet): Picture[] {
  return classes.flatMap((name) => pictures.find(({ className }) => className === name) ?? []);
}

/** Looks where the evaluation saw most mistakes. */
async function wrongOne(
  dataSet: DataSet,
  confusion: Confusion | null,
  answer: Answerer,
): Promise<Shown | undefined> {
  const [worst] = confusion === null ? [] : confusedPairs(confusion);
  if (worst === undefined) return undefined;
  const answers = await answer(dataSet.pictures.filter(({ className }) => className === worst.class));
  return answers.find((shown) => !isRight(shown));
}
