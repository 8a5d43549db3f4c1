import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { moment, settings } from '../output/format.ts';
import { facts } from '../output/table.ts';

/** `kindred jobs show JOB`: what was asked, how far it is, how it ended. */
export function showJobCommand(): Command {
  return command('show', 'show one training')
    .argument('<job>', 'its id')
    .action(async (id: string, flags: CommonFlags) => {
      const { terminal, ...context } = contextOf(flags);
      const { readJob, readProgress } = await import('../../core/jobs/job.ts');
      const { shownState } = await import('../jobs.ts');
      const { store } = await context.registry();
      const job = await readJob(store, id);
      const progress = job.state === 'succeeded' ? null : await readProgress(store, id);
      const state = shownState(job);
      terminal.json({ ...job, state, progress });
      const { request, result, error } = job;
      terminal.print(
        facts({
          job: job.id,
          state: state === 'interrupted' ? `interrupted; go on: kindred train --resume ${job.id}` : state,
          model: result === null ? request.model : `${result.model}@${result.version}`,
          'data set': request.dataSet,
          'test set': request.testSet ?? `${request.holdOut} of the pictures held out`,
          recipe: `${request.recipe} ${settings(request.options)}`.trim(),
          seed: String(request.seed),
          created: moment(job.createdAt),
          started: job.startedAt === null ? null : `${moment(job.startedAt)} (attempt ${job.attempts})`,
          finished: job.finishedAt === null ? null : moment(job.finishedAt),
          progress: progress === null ? null : progressText(progress),
          error: error === null ? null : error.message,
        }).trimEnd(),
      );
    });
}

function progressText({ at, progress }: { readonly at: string; readonly progress: unknown }): string {
  const known = typeof progress === 'object' && progress !== null;
  return `${known ? settings(progress as Record<string, unknown>) : JSON.stringify(progress)} (${moment(at)})`;
}
