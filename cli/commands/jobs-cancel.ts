import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';

/** `kindred jobs cancel JOB`: a running one stops at its next step, from which it can be gone on with. */
export function cancelJobCommand(): Command {
  return command('cancel', 'ask a training or import to stop; it can be gone on with')
    .argument('<job>', 'its id')
    .action(async (id: string, flags: CommonFlags) => {
      const { terminal, ...context } = contextOf(flags);
      const { requestCancel } = await import('../../core/jobs/cancel.ts');
      const job = await requestCancel((await context.registry()).store, id);
      terminal.json({ job: id, state: job.state });
      terminal.print(
        job.state === 'cancelled'
          ? `Job ${id} is cancelled.`
          : `Job ${id} is asked to stop; it can be gone on with.`,
      );
    });
}
