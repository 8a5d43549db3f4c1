/** Imports in parts: as a whole, with a process for each part, or one step at a time. */
import { availableParallelism } from 'node:os';
import { CancelledError, KindredError } from '../../core/errors.ts';
import { embedPart } from '../../core/ingest/import/part.ts';
import { notingFailure } from '../../core/jobs/failure.ts';
import { planImport } from '../../core/ingest/import/plan.ts';
import { noteEmbedding } from '../../core/ingest/import/progress.ts';
import type { ImportResult } from '../../core/ingest/import/request.ts';
import type { Source } from '../../core/ingest/import/source.ts';
import { asStep, isImportOpen, runImport } from '../../core/jobs/import.ts';
import { createImport, readImport } from '../../core/jobs/job.ts';
import { resumeJob } from '../../core/jobs/resume.ts';
import type { ImportJob } from '../../core/jobs/job.ts';
import { openEmbedder } from '../../core/registry/open-version.ts';
import type { Context } from '../context.ts';
import { chosenVersion } from '../models.ts';
import { counted } from '../output/format.ts';
import { progressOn } from '../output/progress.ts';
import { registryFlag } from '../output/shell.ts';
import { dataSetOfId, findDataSet } from '../pictures/data-set.ts';
import { stoppable } from '../stopping.ts';
import type { ImportFlags, ImportWay } from './flags.ts';
import { embedInProcesses } from './processes.ts';

type InParts = Exclude<ImportWay, { readonly kind: 'whole' }>;

/** Does the step that the flags name, or all that is missing. */
export async function importInParts(context: Context, way: InParts, flags: ImportFlags): Promise<void> {
  const job = await jobOf(context, way, flags);
  switch (flags.step) {
    case 'plan':
      return planStep(context, job);
    case 'embed':
      return embedStep(context, job, flags.part ?? 0, flags.threads);
    case 'publish':
      return publishStep(context, job);
    case undefined:
      return whole(context, job, flags.atOnce ?? availableParallelism());
  }
}

async function jobOf(context: Context, way: InParts, { model }: ImportFlags): Promise<ImportJob> {
  const { store } = await context.registry();
  if (way.kind === 'begun') return readImport(store, way.job);
  const chosen = await chosenVersion(context, model);
  const { id: dataSet } = await findDataSet(context, way.dataSet);
  return createImport(store, { model: chosen.model, version: chosen.version, dataSet, parts: way.parts });
}

async function planStep(context: Context, job: ImportJob): Promise<void> {
  const registry = await context.registry();
  // The first step again resumes an import that has ended.
  if (!context.unattended && (job.state === 'failed' || job.state === 'cancelled')) {
    await resumeJob(registry.store, job.id);
  }
  const { pictures, shards, left } = await asStep(registry.store, job.id, context.unattended, async () => {
    const source = await dataSetOfId(context, job.request.dataSet);
    const plan = await stoppable(context, ({ signal }) => planImport(registry, job, source, { signal }));
    await noteEmbedding(registry.store, job.id, plan);
    return plan;
  });
  const { parts, model, version } = job.request;
  context.terminal.json({ job: job.id, model, version, parts, pictures, pieces: shards, left: left.count });
  context.terminal.print(
    `Import ${job.id} into ${model}@${version}: ${counted(pictures, 'image')} in ${counted(parts, 'part')}.`,
  );
}

async function embedStep(
  context: Context,
  job: ImportJob,
  part: number,
  threads: number | undefined,
): Promise<void> {
  const registry = await context.registry();
  const progress = progressOn(context.terminal, `part ${part}`);
  const done = await asStep(registry.store, job.id, context.unattended, async () => {
    const source = await dataSetOfId(context, job.request.dataSet);
    return stoppable(context, ({ signal }) =>
      embedPart(registry, job, part, source, {
        open: (version) => openEmbedder(registry, version, { threads }),
        isOpen: () => isImportOpen(registry.store, job.id),
        signal: withParent(signal),
        onProgress: progress.update,
      }),
    );
  }).finally(() => {
    progress.end();
    if (process.connected) process.disconnect();
  });
  context.terminal.json({ job: job.id, part, ...done });
  context.terminal.print(
    `Part ${part} of import ${job.id}: ${done.embedded} of ${counted(done.pictures, 'image')} embedded now.`,
  );
}

/** A part stops when the process that started it is gone. */
function withParent(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (!process.connected) return signal;
  const controller = new AbortController();
  process.once('disconnect', () => controller.abort());
  return signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
}

async function publishStep(context: Context, job: ImportJob): Promise<void> {
  const registry = await context.registry();
  const result = await asStep(registry.store, job.id, context.unattended, () =>
    run(context, job, async (parts) => {
      throw new KindredError(
        'parts-missing',
        `The import ${job.id} cannot be published: ${counted(parts.length, 'part')} of ${job.request.parts} ` +
          `${parts.length === 1 ? 'is' : 'are'} not there yet, the first is ${parts[0]}.`,
      );
    }),
  );
  tell(context, job, result);
}

async function whole(context: Context, job: ImportJob, atOnce: number): Promise<void> {
  const { model, version, parts } = job.request;
  context.terminal.note(`Importing into ${model}@${version} in ${counted(parts, 'part')}, job ${job.id}`);
  const result = await run(context, job, (open, signal) =>
    embedInProcesses(context, job.id, { parts: open, atOnce, signal }),
  );
  tell(context, job, result);
}

async function run(
  context: Context,
  job: ImportJob,
  embed: (parts: readonly number[], signal: AbortSignal) => Promise<void>,
): Promise<ImportResult> {
  const { place, unattended } = context;
  const registry = await context.registry();
  const open = (): Promise<Source> => dataSetOfId(context, job.request.dataSet);
  const source = await (unattended ? notingFailure(registry.store, job, open) : open());
  try {
    return await stoppable(context, (talk) =>
      runImport(job, source, { registry, place, unattended, embed, ...talk }),
    );
  } catch (error) {
    const resume = `kindred gallery import --resume ${job.id}${registryFlag(context.registryUri)}`;
    if (error instanceof CancelledError) {
      throw new CancelledError(`${error.message}\nResume it with: ${resume}`, { cause: error });
    }
    throw error;
  }
}

function tell({ terminal }: Context, { id }: ImportJob, result: ImportResult): void {
  const { model, version, added, unchanged, duplicates, left } = result;
  for (const { key, reason } of left.first) terminal.note(`${JSON.stringify(key)}: ${reason}`);
  if (left.count > left.first.length) terminal.note(`and ${left.count - left.first.length} more`);
  const errors = left.first.map(({ key, reason }) => ({ image: key, error: reason }));
  const { left: _, ...counts } = result;
  terminal.json({ job: id, ...counts, leftOut: left.count, errors });
  const rest = [
    ...(unchanged === 0 ? [] : [`${unchanged} already there`]),
    ...(duplicates === 0 ? [] : [`${duplicates} twice in the dataset`]),
    ...(left.count === 0 ? [] : [`${left.count} left out`]),
  ].map((text) => `, ${text}`);
  terminal.print(`${counted(added, 'image')} added to ${model}@${version}${rest.join('')}.`);
  if (left.count > 0) process.exitCode = 1;
}
