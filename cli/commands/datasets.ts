import type { Command } from 'commander';
import { command } from '../flags.ts';
import { addToDataSetCommand } from './datasets-add.ts';
import { checkDataSetCommand } from './datasets-check.ts';
import { deleteDatasetCommand } from './datasets-delete.ts';
import { listDataSetsCommand } from './datasets-list.ts';

/** `kindred datasets ...`: pictures kept in the registry. */
export function dataSetsCommand(): Command {
  return command('datasets', 'keep data sets in the registry')
    .addCommand(listDataSetsCommand())
    .addCommand(addToDataSetCommand())
    .addCommand(checkDataSetCommand())
    .addCommand(deleteDatasetCommand());
}
