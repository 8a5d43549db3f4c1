import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { escapeText } from '../output/escape.ts';

interface DoctorFlags extends CommonFlags {
  readonly network?: boolean;
}

/** `kindred doctor`: what is installed and reachable, and what to do about each problem. Exit status 1 when something needed is broken. */
export function doctorCommand(): Command {
  return command('doctor', 'show what is installed and reachable, and what to do about each problem')
    .option('--network', 'also try whether npm and pip reach the packages that the set-up takes')
    .action(async (flags: DoctorFlags) => {
      const { terminal, cache, registryUri, openStore } = contextOf(flags);
      const [{ examine }, { reportText }] = await Promise.all([
        import('../doctor/collect.ts'),
        import('../doctor/print.ts'),
      ]);
      const report = await examine({ cache, registryUri, openStore, network: flags.network ?? false });
      terminal.print(escapeText(reportText(report)));
      terminal.json(report);
      if (!report.ok) process.exitCode = 1;
    });
}
