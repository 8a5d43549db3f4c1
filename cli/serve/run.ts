import { fileURLToPath } from 'node:url';
import type { JobKind } from '../../core/jobs/job.ts';
import type { JwtOptions } from '../../functions/http/jwt.ts';
import { suggest } from '../../core/suggest.ts';
import type { Context } from '../context.ts';
import { chosenModel } from '../models.ts';
import { UsageError } from '../usage.ts';
import { headStart } from './head-start.ts';

export interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly versions: number;
  readonly look: number;
  readonly follow: number;
  readonly trainings: number;
  readonly rate: number;
  readonly timeout: number;
  readonly proxies: number;
  /** Or where they are kept. */
  readonly tokens?: true | string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  readonly jwtKeys?: string;
  readonly jwtScopePrefix: string;
  readonly unknown: number;
  readonly unknownMb: number;
  readonly publicUrl?: string;
  readonly model?: string;
}

/** Listens until SIGINT or SIGTERM, then ends what is under way. The log is on stderr, an entry a line. */
export async function serve(context: Context, flags: ServeFlags): Promise<void> {
  const { terminal } = context;
  const registry = await context.registry();
  const model = flags.model === undefined ? null : await chosenModel(context, flags.model);
  const open = await headStart(registry, model);
  const { listen } = await import('../../functions/server.ts');
  const server = await listen({
    registry,
    log: (entry) => process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`),
    model,
    versions: { most: flags.versions, lookMs: flags.look * 1000, open },
    followMs: flags.follow * 1000,
    trainings: {
      atOnce: flags.trainings,
      command: (job, kind) => commandFor(context.registryUri, job, kind),
    },
    tokens: flags.tokens !== undefined,
    tokenStore: await context.tokens(flags.tokens === true ? undefined : flags.tokens),
    jwt: jwtOf(flags),
    rate: flags.rate,
    limits: { seconds: flags.timeout },
    proxies: flags.proxies,
    publicUrl: flags.publicUrl ?? null,
    unknown: flags.unknown === 0 ? null : { pictures: flags.unknown, bytes: flags.unknownMb * 1024 * 1024 },
    host: flags.host,
    port: flags.port,
  });
  terminal.json({ url: server.url });
  terminal.print(
    `Kindred answers at ${server.url} (registry ${JSON.stringify(context.registryUri)}). Ctrl-C ends it.`,
  );
  terminal.print(`What can be asked: ${server.url}/docs`);
  const models = await registry.models().catch(() => null);
  if (models?.length === 0)
    terminal.print('There is no model there yet: train one, here with "kindred train FOLDER", or over HTTP.');
  else if (models !== null && model !== null && !models.includes(model))
    terminal.print(`There is no model "${model}" there yet.${suggest(model, models, 'model there')}`);
  await stopped();
  await server.close();
}

/** @throws UsageError when only half of it is given */
function jwtOf({
  jwtIssuer: issuer,
  jwtAudience: audience,
  jwtKeys,
  jwtScopePrefix,
}: ServeFlags): JwtOptions | null {
  if (issuer !== undefined && audience !== undefined) {
    return { issuer, audience, keys: jwtKeys ?? null, scopePrefix: jwtScopePrefix };
  }
  if (issuer === undefined && audience === undefined && jwtKeys === undefined) return null;
  throw new UsageError(
    'Tokens of an issuer need --jwt-issuer and --jwt-audience: who made them, and whom they are for.',
  );
}

/** The command line that works on a job. */
function commandFor(registry: string, job: string, kind: JobKind): [string, ...string[]] {
  const program = fileURLToPath(new URL('../../bin/kindred.mjs', import.meta.url));
  const command = kind === 'import' ? ['gallery', 'import'] : ['train'];
  return [
    process.execPath,
    program,
    ...command,
    '--resume',
    job,
    '--registry',
    registry,
    '--unattended',
    '--json',
  ];
}

/** The first signal ends the server, a second one the process. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
}
