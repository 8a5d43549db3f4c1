import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { cacheFolder } from '../../core/cache.ts';
import { caches } from '../doctor/caches.ts';
import { engine } from '../doctor/engine.ts';
import { machine } from '../doctor/machine.ts';
import { network } from '../doctor/network.ts';
import { reportText } from '../doctor/print.ts';
import { registry } from '../doctor/registry.ts';
import { reportOf } from '../doctor/report.ts';
import { versions } from '../doctor/versions.ts';

interface DoctorOptions {
  readonly registry: string;
  readonly json: boolean;
  readonly network: boolean;
}

/** `kindred doctor`: what is installed and reachable, and what to do about each problem. Exit status 1 when something needed is broken. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('show versions, engine, caches and registry access, and what to do about each problem')
    .addOption(
      new Option('--registry <uri>', 'where models are kept').env('KINDRED_REGISTRY').default('./.kindred'),
    )
    .option('--network', 'also try whether npm and pip reach the packages that the set-up takes', false)
    .option('--json', 'print one JSON document', false)
    .action(async (options: DoctorOptions) => {
      const root = fileURLToPath(new URL('../../', import.meta.url));
      const cache = cacheFolder(process.env, homedir(), process.platform);
      const sections = await Promise.all([
        versions(root),
        engine(root),
        machine(cache),
        caches(cache, root),
        registry(options.registry),
        ...(options.network ? [network()] : []),
      ]);
      const report = reportOf(sections);
      process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report));
      if (!report.ok) process.exitCode = 1;
    });
}
