/** The end of a training: what was saved is read back, judged and published. What is judged is what is published. */
import { engineName } from '../embedding/embedder.ts';
import { writeGallery } from '../gallery/arrow.ts';
import type { Calibration } from '../gallery/calibration.ts';
import type { DataSet } from '../images/dataset.ts';
import { snapshot } from '../images/snapshot.ts';
import { describeEngine } from '../network/engine.ts';
import { encode } from '../registry/documents.ts';
import type { DataSetSnapshot, Manifest } from '../registry/manifest.ts';
import { BASELINE_FILE } from '../registry/baseline.ts';
import type { VersionDraft } from '../registry/publish.ts';
import { REPORT_FILE } from '../registry/report.ts';
import { confusionSvg } from '../training/evaluation/index.ts';
import { judgeBackbone } from './baseline.ts';
import type { BackboneJudgement } from './baseline.ts';
import { reportOf } from './report.ts';
import type { Judged } from './report.ts';
import { judge } from './judge.ts';
import type { Judgement } from './judge.ts';
import type { Learnt } from './learn.ts';
import { makeNetworkFiles } from './network-files.ts';
import type { NetworkFiles } from './network-files.ts';
import type { TrainingPlan } from './plan.ts';

/**
 * Publishes one version for the job, however often it is called.
 * @param folder has the files of the trained network
 */
export async function publishTraining(plan: TrainingPlan, learnt: Learnt, folder: string): Promise<Manifest> {
  const { job, context, recipe, options } = plan;
  const { followed = null } = plan.data;
  const { judgement, files, engine, parameters } = await judged(plan, learnt, folder);
  const backbone = await judgeBackbone(plan, learnt, judgement);
  context.report({ phase: 'publishing' });
  const report = await reportOf(plan, learnt, { judgement, backbone, parameters, engine });
  return context.registry.publish(job.request.model, {
    recipe: { name: recipe.name, options },
    seed: job.request.seed,
    dataSet: snapshotOf(learnt.data.train),
    follows: followed && followed.dataset,
    position: followed && followed.position,
    testSet: learnt.data.test && snapshotOf(learnt.data.test),
    libraries: context.libraries,
    engine,
    metrics: metricsOf(judgement, backbone),
    parent: null,
    createdBy: context.createdBy,
    job: job.id,
    files: {
      ...(await filesOf(plan, learnt, { judgement, backbone, parameters })),
      ...files,
    },
    numbered: { [REPORT_FILE]: report },
  });
}

async function judged(
  { job, context }: TrainingPlan,
  learnt: Learnt,
  folder: string,
): Promise<
  Pick<NetworkFiles, 'files' | 'parameters'> & { judgement: Judgement; engine: Manifest['engine'] }
> {
  const { files, id, embedder, parameters } = await makeNetworkFiles(
    folder,
    learnt.data.train.pictures,
    context.backbone,
  );
  try {
    const judgement = await judge(
      embedder,
      { model: job.request.model, version: id },
      learnt,
      context,
      job.request,
    );
    return {
      judgement,
      files,
      parameters,
      engine: { ...describeEngine(), embeddings: engineName(embedder) },
    };
  } finally {
    embedder.dispose();
  }
}

const snapshotOf = (dataSet: DataSet): DataSetSnapshot => ({
  name: dataSet.name,
  pictures: [...snapshot(dataSet).pictures],
});

async function filesOf(
  { job, recipe, options }: TrainingPlan,
  { curve, epoch, collapse, rule, tried, dataCheck }: Learnt,
  { judgement, backbone, parameters }: Omit<Judged, 'engine'>,
): Promise<VersionDraft['files']> {
  const { gallery, evaluation, calibration } = judgement;
  const training = {
    recipe: { name: recipe.name, options },
    seed: job.request.seed,
    parameters,
    epoch,
    curve,
    collapse,
    rule,
    tried,
  };
  return {
    'gallery.arrow': await writeGallery(gallery),
    'training.json': encode(training),
    ...(dataCheck && { 'data-check.json': encode(dataCheck) }),
    [BASELINE_FILE]: await writeGallery(backbone.gallery),
    'evaluation.json': encode({
      evaluation: evaluation && { ...evaluation, baseline: backbone.baseline },
      calibration,
    }),
    ...(evaluation && { 'confusion.svg': new TextEncoder().encode(confusionSvg(evaluation.confusion)) }),
  };
}

function metricsOf(
  { gallery, evaluation, calibration }: Judgement,
  { baseline }: BackboneJudgement,
): Manifest['metrics'] {
  const counts = {
    pictures: gallery.keys.length,
    classes: new Set(gallery.classes).size,
    ...(calibration && ratesOf(calibration)),
  };
  if (evaluation === null) return counts;
  const { accuracy, macroAccuracy, mapAtR, images } = evaluation;
  return {
    ...counts,
    testImages: images,
    accuracy,
    macroAccuracy,
    mapAtR,
    ...(baseline && { baselineAccuracy: baseline.accuracy }),
  };
}

/** What the thresholds aim at, and what they gave on left-out pictures. */
function ratesOf({ points: { strict, balanced } }: Calibration): Manifest['metrics'] {
  return {
    balancedFalseRejection: balanced.falseRejection,
    balancedFalseRejectionTarget: balanced.targetFalseRejection,
    strictFalseAcceptance: strict.falseAcceptance,
    strictFalseAcceptanceTarget: strict.targetFalseAcceptance,
  };
}
