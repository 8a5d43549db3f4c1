import { fileURLToPath } from 'node:url';
import { listen } from '../../functions/server.ts';
import type { Context } from '../context.ts';
import { chosenModel } from '../models.ts';

export interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly versions: number;
  readonly look: number;
  readonly trainings: number;
  readonly tokens?: boolean;
  readonly publicUrl?: string;
  readonly model?: string;
}

/** Listens until SIGINT or SIGTERM, then ends what is under way. The log is on stderr, an entry a line. */
export async function serve(context: Context, flags: ServeFlags): Promise<void> {
  const { terminal } = context;
  const server = await listen({
    registry: await context.registry(),
    log: (entry) => process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`),
    engine: context.engine,
    model: flags.model === undefined ? null : await chosenModel(context, flags.model),
    versions: { most: flags.versions, lookMs: flags.look * 1000 },
    trainings: { atOnce: flags.trainings, command: (job) => trainCommandFor(context.registryUri, job) },
    tokens: flags.tokens ?? false,
    publicUrl: flags.publicUrl ?? null,
    host: flags.host,
    port: flags.port,
  });
  terminal.json({ url: server.url });
  terminal.print(
    `Kindred answers at ${server.url} (registry ${JSON.stringify(context.registryUri)}). Ctrl-C ends it.`,
  );
  await stopped();
  await server.close();
}

/** The command line that works on a job. */
function trainCommandFor(registry: string, job: string): [string, ...string[]] {
  const program = fileURLToPath(new URL('../../bin/kindred.mjs', import.meta.url));
  return [process.execPath, program, 'train', '--resume', job, '--registry', registry, '--json'];
}

/** The first signal ends the server, a second one the process. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
}
