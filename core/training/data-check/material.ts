/** From data sets and what the untrained backbone makes of their pictures to what checks look at. */
import type { Tensor2D } from '@tensorflow/tfjs-node';
import type { DataSet } from '../../images/dataset.ts';
import { unitLength } from '../../network/ops/l2-normalize.ts';
import { tf } from '../../network/tensorflow.ts';
import type { PooledPictures } from '../baseline.ts';
import { crossFittedAnswers } from './answers.ts';
import type { Material, Subject, SubjectPair } from './check.ts';
import type { FoundPicture } from './finding.ts';
import { findNearDuplicates } from './near-duplicate-pairs.ts';

/** Pictures that could be decoded with their pooled features, and what the scan (or decoding) had to say of others. */
export interface Checked extends PooledPictures {
  readonly problems: DataSet['problems'];
}

export interface DataToCheck {
  readonly training: Checked;
  readonly test: Checked | null;
}

export async function materialOf({ training, test }: DataToCheck): Promise<Material> {
  const subjects = [...subjectsOf('training', training), ...subjectsOf('test', test)];
  const features = featuresOf(training, test);
  try {
    return {
      subjects,
      problems: [...problemsOf('training', training), ...problemsOf('test', test)],
      nearDuplicates: await pairsOf(subjects),
      answers: crossFittedAnswers(features, ...labelsOf(training, test)),
    };
  } finally {
    features.dispose();
  }
}

function subjectsOf(part: FoundPicture['part'], checked: Checked | null): Subject[] {
  return (checked?.pictures ?? []).map((picture) => ({ part, picture }));
}

async function pairsOf(subjects: readonly Subject[]): Promise<SubjectPair[]> {
  const pairs = await findNearDuplicates(subjects.map(({ picture }) => picture));
  return pairs.map(({ a, b, ...pair }) => {
    const [one, other] = [subjects[a] as Subject, subjects[b] as Subject];
    return { one, other, isSameClass: one.picture.className === other.picture.className, ...pair };
  });
}

function problemsOf(part: FoundPicture['part'], checked: Checked | null): Material['problems'] {
  return (checked?.problems ?? []).map((problem) => ({ part, problem }));
}

/** All rows, of unit length. */
function featuresOf(training: Checked, test: Checked | null): Tensor2D {
  const width = training.features.length / training.pictures.length;
  return tf.tidy(() => {
    const parts = [training, test].flatMap((each) =>
      each === null ? [] : [tf.tensor2d(each.features, [each.pictures.length, width])],
    );
    return unitLength(tf.concat(parts, 0)) as Tensor2D;
  });
}

/** Class numbers of the training pictures, and of the test pictures; -1 for a class that is not learnt. */
function labelsOf(training: Checked, test: Checked | null): [Int32Array, Int32Array] {
  const names = [...new Set(training.pictures.map(({ className }) => className))];
  const numbers = new Map(names.map((name, i) => [name, i]));
  const labels = (checked: Checked | null): Int32Array =>
    Int32Array.from(checked?.pictures ?? [], ({ className }) => numbers.get(className) ?? -1);
  return [labels(training), labels(test)];
}
