import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { SCOPES } from '../../core/registry/tokens.ts';
import type { Scope, StoredToken } from '../../core/registry/tokens.ts';
import { contextOf } from '../context.ts';
import { command, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { moment } from '../output/format.ts';
import { table } from '../output/table.ts';

/** `kindred tokens ...`: who may use a server. */
export function tokensCommand(): Command {
  return command('tokens', 'make, list and revoke tokens for the server')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

interface Flags extends CommonFlags {
  readonly tokens?: string;
}

/** A command on tokens, wherever they are kept. */
function tokenCommand(name: string, description: string): Command {
  return command(name, description).option(
    '--tokens <uri>',
    'where tokens are kept: ssm:///PATH (env: KINDRED_TOKENS, default: in the registry)',
  );
}

interface CreateFlags extends Flags {
  readonly scope: readonly Scope[];
  readonly days?: number;
}

function createCommand(): Command {
  return tokenCommand('create', 'make a token; it is shown this once')
    .argument('<name>', 'whose it is, or what for')
    .addOption(
      new Option('--scope <name>', `what it allows: ${SCOPES.join(', ')}; may be repeated`)
        .argParser(collectScope)
        .makeOptionMandatory(),
    )
    .option('--days <n>', 'how long it holds (default: until it is revoked)', wholeNumber(1, 36_500))
    .action(async (name: string, { scope, days, ...flags }: CreateFlags) => {
      const { terminal, author, ...context } = contextOf(flags);
      const { createToken } = await import('../../core/registry/tokens.ts');
      const expiresAt = days === undefined ? null : new Date(Date.now() + days * 86_400_000);
      const { token, stored } = await createToken(await context.tokens(flags.tokens), {
        name,
        scopes: scope,
        createdBy: author,
        expiresAt,
      });
      terminal.json({ ...withoutHash(stored), token });
      terminal.print(token);
      terminal.note('It is not shown again: only its hash is kept.');
    });
}

function collectScope(value: string, earlier: readonly Scope[] = []): Scope[] {
  const scope = SCOPES.find((each) => each === value);
  if (scope === undefined) throw new InvalidArgumentError(`There are ${SCOPES.join(', ')}.`);
  return [...earlier, scope];
}

function listCommand(): Command {
  return tokenCommand('list', 'list the tokens; not what they are').action(async (flags: Flags) => {
    const { terminal, ...context } = contextOf(flags);
    const { listTokens } = await import('../../core/registry/tokens.ts');
    const store = await context.tokens(flags.tokens);
    const tokens = await listTokens(store);
    terminal.json({ tokens: tokens.map(withoutHash) });
    if (tokens.length === 0) return terminal.print(`There is no token in ${JSON.stringify(store.uri)}.`);
    const columns = ['TOKEN', 'NAME', 'SCOPES', 'MADE (UTC)', 'BY', 'HOLDS UNTIL'].map((title) => ({
      title,
    }));
    const rows = tokens.map(({ id, name, scopes, createdAt, createdBy, expiresAt }) => {
      const until = expiresAt === null ? 'no end' : moment(expiresAt);
      return [id, name, scopes.join(' '), moment(createdAt), createdBy, until];
    });
    terminal.print(table(columns, rows).trimEnd());
  });
}

/** What may be shown of a token. */
function withoutHash(stored: StoredToken): Omit<StoredToken, 'hash'> {
  const { hash: _, ...shown } = stored;
  return shown;
}

function revokeCommand(): Command {
  return tokenCommand('revoke', 'take a token back; servers know it within seconds')
    .argument('<token>', 'its id, as list shows it')
    .action(async (id: string, flags: Flags) => {
      const { terminal, ...context } = contextOf(flags);
      const { revokeToken } = await import('../../core/registry/tokens.ts');
      const { name } = await revokeToken(await context.tokens(flags.tokens), id);
      terminal.json({ revoked: id, name });
      terminal.print(`${JSON.stringify(name)} is revoked.`);
    });
}
