import { fileURLToPath } from 'node:url';
import { openRegistry } from '../../../core/registry/registry.ts';
import { listJobs } from '../../../core/jobs/job.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import { TrainingRunner } from '../../../functions/trainings/runner.ts';
import { Workplace } from '../../cli/support.ts';
import { trainingsContract } from './contract.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/kindred.mjs', import.meta.url));

trainingsContract('in processes of this machine', async () => {
  const workplace = new Workplace();
  const folder = workplace.in('registry');
  process.env['KINDRED_CACHE'] = workplace.in('cache');
  const registry = openRegistry(fsStore(folder));
  return {
    registry,
    trainings: (shared) =>
      new TrainingRunner({
        ...shared,
        command: (job, kind) => [
          process.execPath,
          PROGRAM,
          ...(kind === 'import' ? ['gallery', 'import'] : ['train']),
          '--resume',
          job,
          '--registry',
          folder,
          '--unattended',
          '--json',
        ],
      }),
    jobs: async () => (await listJobs(registry.store)).length,
    close: async () => workplace.close(),
  };
});
