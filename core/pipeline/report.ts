/** What a training tells in its report. */
import type { DataSet, Picture } from '../images/dataset.ts';
import { snapshot } from '../images/snapshot.ts';
import type { Manifest } from '../registry/manifest.ts';
import { chooseExamples, picturesOf, reportPage, smallCopies } from '../training/report/index.ts';
import type { Examples, PictureName, ReportData } from '../training/report/index.ts';
import type { BackboneJudgement } from './baseline.ts';
import type { TrainingData } from './context.ts';
import type { Judgement } from './judge.ts';
import type { Learnt } from './learn.ts';
import type { TrainingPlan } from './plan.ts';

/** What became known of a trained network. */
export interface Judged {
  readonly judgement: Judgement;
  readonly backbone: BackboneJudgement;
  readonly parameters: ReportData['parameters'];
  readonly engine: Manifest['engine'];
}

/** Everything that the page tells but the version's number; given that, the page. */
export async function reportOf(
  plan: TrainingPlan,
  learnt: Learnt,
  judged: Judged,
): Promise<(version: number) => Uint8Array> {
  const { job, recipe, options, context, began } = plan;
  const { data, curve, epoch, collapse = null, tried = [], dataCheck } = learnt;
  const { judgement, backbone, parameters, engine } = judged;
  const { gallery, evaluation, calibration } = judgement;
  const examples = judgement.judged && chooseExamples({ ...queriesOf(judgement.judged), calibration });
  const shown = [...(examples ? shownIn(examples) : []), ...(dataCheck ? picturesOf(dataCheck) : [])];
  const report: ReportData = {
    model: job.request.model,
    madeAt: new Date().toISOString(),
    madeBy: context.createdBy,
    job: job.id,
    recipe: { name: recipe.name, options },
    seed: job.request.seed,
    parameters,
    libraries: context.libraries,
    engine,
    train: described(data.train),
    test: data.test && described(data.test),
    heldOut: data.heldOut,
    shared: sharedIn(data),
    gallery: { pictures: gallery.keys.length, classes: new Set(gallery.classes).size },
    curve,
    epoch,
    collapse,
    tried,
    seconds: (performance.now() - began) / 1000,
    evaluation,
    baseline: backbone.baseline,
    calibration,
    examples,
    dataCheck,
    pictures: await smallCopies(shown, finderIn(data)),
  };
  return (version) => new TextEncoder().encode(reportPage(report, version));
}

function queriesOf({ queries, known, rule, answers }: NonNullable<Judgement['judged']>) {
  return { queries, gallery: known, rule, answers };
}

function described(dataSet: DataSet): ReportData['train'] {
  const { name, pictures, classes } = dataSet;
  return { name, pictures: pictures.length, classes: classes.length, digest: snapshot(dataSet).digest };
}

/** How many test pictures were learnt from, too. */
function sharedIn({ train, test }: TrainingData): number {
  const learnt = new Set(train.pictures.map(({ sha256 }) => sha256));
  return (test?.pictures ?? []).filter(({ sha256 }) => learnt.has(sha256)).length;
}

/** Example after example, so that where there is no room for all, the first ones are whole. */
function shownIn({ wrong, close }: Examples): PictureName[] {
  return [...wrong, ...close].flatMap(({ key, nearest, ofPredicted, ofActual }) => [
    { part: 'test' as const, key },
    ...[...nearest, ofPredicted, ofActual].flatMap((one) =>
      one ? [{ part: 'training' as const, key: one.key }] : [],
    ),
  ]);
}

function finderIn({ train, test }: TrainingData): (name: PictureName) => Picture | undefined {
  const byKey = (pictures: readonly Picture[]) => new Map(pictures.map((picture) => [picture.key, picture]));
  const parts = { training: byKey(train.pictures), test: byKey(test?.pictures ?? []) };
  return ({ part, key }) => parts[part].get(key);
}
