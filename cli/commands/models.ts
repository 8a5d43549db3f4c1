import type { Command } from 'commander';
import { command } from '../flags.ts';
import { compareCommand } from './models-compare.ts';
import { deleteModelCommand } from './models-delete.ts';
import { exportModelCommand } from './models-export.ts';
import { historyCommand } from './models-history.ts';
import { importModelCommand } from './models-import.ts';
import { listModelsCommand } from './models-list.ts';
import { promoteCommand } from './models-promote.ts';
import { reportCommand } from './models-report.ts';
import { rollbackCommand } from './models-rollback.ts';
import { showModelCommand } from './models-show.ts';

/** `kindred models ...`: what there is in the registry, and which version answers. */
export function modelsCommand(): Command {
  const group = command('models', 'list, show, compare and promote trained versions');
  const parts = [
    listModelsCommand,
    showModelCommand,
    reportCommand,
    compareCommand,
    promoteCommand,
    rollbackCommand,
    historyCommand,
    deleteModelCommand,
    exportModelCommand,
    importModelCommand,
  ];
  for (const make of parts) group.addCommand(make());
  return group;
}
