import type { Command } from 'commander';
import { command } from '../flags.ts';
import { cancelJobCommand } from './jobs-cancel.ts';
import { listJobsCommand } from './jobs-list.ts';
import { showJobCommand } from './jobs-show.ts';

/** `kindred jobs ...`: trainings and imports that run, ran, or were stopped. */
export function jobsCommand(): Command {
  return command('jobs', 'list, show and cancel trainings and imports')
    .addCommand(listJobsCommand())
    .addCommand(showJobCommand())
    .addCommand(cancelJobCommand());
}
