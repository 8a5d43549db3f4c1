import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred jobs cancel JOB`: a running training stops at its next step and keeps a checkpoint. */
export function cancelJobCommand(): Command {
  return command('cancel', 'ask a training to stop; it keeps a checkpoint')
    .argument('<job>', 'its id')
    .action(async (id: string, flags: CommonFlags) => {
      const { terminal, ...context } = contextOf(flags);
      const { requestCancel } = await import('../../core/jobs/cancel.ts');
      const job = await requestCancel((await context.registry()).store, id);
      terminal.json({ job: id, state: job.state });
      terminal.print(
        job.state === 'cancelled'
          ? `Job ${id} is cancelled.`
          : `Job ${id} is asked to stop; it keeps a checkpoint.`,
      );
    });
}
