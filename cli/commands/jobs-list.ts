import type { Command } from 'commander';
import type { Job } from '../../core/jobs/job.ts';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { moment } from '../output/format.ts';
import { modelOf } from '../output/job.ts';
import { table } from '../output/table.ts';

/** `kindred jobs list`: all trainings and imports, newest first. */
export function listJobsCommand(): Command {
  return command('list', 'list trainings and imports, newest first').action(async (flags: CommonFlags) => {
    const { terminal, registryUri, ...context } = contextOf(flags);
    const { listJobs } = await import('../../core/jobs/job.ts');
    const { shownState } = await import('../jobs.ts');
    const jobs = (await listJobs((await context.registry()).store)).toReversed();
    terminal.json({ jobs: jobs.map((job) => ({ ...job, state: shownState(job) })) });
    if (jobs.length === 0) return terminal.print(`There is no job in ${JSON.stringify(registryUri)}.`);
    const columns = ['JOB', 'STATE', 'MODEL', 'RECIPE', 'DATA SET', 'STARTED (UTC)'].map((title) => ({
      title,
    }));
    terminal.print(
      table(
        columns,
        jobs.map((job) => [job.id, shownState(job), ...rowOf(job)]),
      ).trimEnd(),
    );
  });
}

function rowOf(job: Job): string[] {
  const recipe = job.kind === 'import' ? '(import)' : job.request.recipe;
  return [modelOf(job), recipe, job.request.dataSet, moment(job.startedAt ?? job.createdAt)];
}
