import type { Command } from 'commander';
import type { Job } from '../../core/jobs/job.ts';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { count, duration, moment, settings } from '../output/format.ts';
import { modelOf } from '../output/job.ts';
import { facts } from '../output/table.ts';

/** `kindred jobs show JOB`: what was asked, how far it is, how it ended. */
export function showJobCommand(): Command {
  return command('show', 'show one training or import')
    .argument('<job>', 'its id')
    .action(async (id: string, flags: CommonFlags) => {
      const { terminal, ...context } = contextOf(flags);
      const [{ readJob, readProgress }, { importProgress }, { shownState }] = await Promise.all([
        import('../../core/jobs/job.ts'),
        import('../../core/ingest/import/progress.ts'),
        import('../jobs.ts'),
      ]);
      const { store } = await context.registry();
      const job = await readJob(store, id);
      const said = job.state === 'succeeded' ? null : await readProgress(store, id);
      const pictures = job.kind === 'import' ? await importProgress(store, job) : null;
      const state = shownState(job);
      terminal.json({ ...job, state, progress: said, ...(job.kind === 'import' && { pictures }) });
      const { error } = job;
      terminal.print(
        facts({
          job: job.id,
          state: state === 'interrupted' ? `interrupted; go on: ${resumeOf(job)}` : state,
          model: modelOf(job),
          'data set': job.request.dataSet,
          ...askedOf(job),
          created: moment(job.createdAt),
          started: job.startedAt === null ? null : `${moment(job.startedAt)} (attempt ${job.attempts})`,
          finished: job.finishedAt === null ? null : moment(job.finishedAt),
          progress:
            pictures !== null
              ? `${count(pictures.done)} of ${count(pictures.total)} pictures embedded${leftText(pictures.secondsLeft)}`
              : said === null
                ? null
                : progressText(said),
          error: error === null ? null : error.message,
        }).trimEnd(),
      );
    });
}

function leftText(seconds: number | null): string {
  return seconds === null || seconds === 0 ? '' : `, about ${duration(seconds)} left`;
}

function resumeOf({ kind, id }: Job): string {
  return kind === 'import' ? `kindred gallery import --resume ${id}` : `kindred train --resume ${id}`;
}

function askedOf(job: Job): Record<string, string | null> {
  if (job.kind === 'import') {
    const { request, result } = job;
    const parts = `${request.parts}`;
    if (result === null) return { parts };
    const { added, unchanged, duplicates, left } = result;
    const rest = [
      [unchanged, 'there already'],
      [duplicates, 'twice in the data set'],
      [left.count, 'left out'],
    ].flatMap(([pictures, what]) => (pictures === 0 ? [] : [`, ${pictures} ${what}`]));
    return { parts, added: `${added}${rest.join('')}` };
  }
  const { request } = job;
  return {
    'test set': request.testSet ?? `${request.holdOut} of the pictures held out`,
    recipe: `${request.recipe} ${settings(request.options)}`.trim(),
    seed: String(request.seed),
  };
}

function progressText({ at, progress }: { readonly at: string; readonly progress: unknown }): string {
  const known = typeof progress === 'object' && progress !== null;
  return `${known ? settings(progress as Record<string, unknown>) : JSON.stringify(progress)} (${moment(at)})`;
}
