import type { Command } from 'commander';
import { contextOf } from '../context.ts';
import { command, origin, wholeNumber } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import type { ServeFlags } from '../serve/run.ts';

type Flags = CommonFlags & ServeFlags;

/** `kindred serve`: answers over HTTP until it is stopped. */
export function serveCommand(): Command {
  return command('serve', 'answer over HTTP', {
    model: 'the model that is asked where none is named (default: the only one there is)',
  })
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <n>', 'the port; 0: any that is free', wholeNumber(0, 65_535), 8787)
    .option('--versions <n>', 'how many versions may be in memory at once', wholeNumber(2), 3)
    .option(
      '--look <seconds>',
      'how often to look where aliases point and what galleries got',
      wholeNumber(1),
      2,
    )
    .option(
      '--follow <seconds>',
      'how often to look what came to data sets past this server, or went; 0: never',
      wholeNumber(0),
      5,
    )
    .option('--trainings <n>', 'how many trainings may run at once; others wait', wholeNumber(1), 1)
    .option(
      '--rate <n>',
      'requests a minute for each token, or each address where none is needed; 0: any number',
      wholeNumber(0),
      6000,
    )
    .option('--timeout <seconds>', 'how long a request may take', wholeNumber(1, 3600), 60)
    .option(
      '--proxies <n>',
      'how many proxies before it are yours: X-Forwarded-For is believed so far',
      wholeNumber(0),
      0,
    )
    .option(
      '--tokens [uri]',
      'let nobody in without a token (always so on addresses that others can reach); with an address, where tokens are kept: ssm:///PATH (env: KINDRED_TOKENS, default: in the registry)',
    )
    .option('--jwt-issuer <url>', 'take tokens (JWT) of this OpenID Connect issuer; needs --jwt-audience')
    .option('--jwt-audience <name>', 'whom these tokens have to be for')
    .option('--jwt-keys <url>', 'where the keys of the issuer are (default: it is asked)')
    .option('--jwt-scope-prefix <text>', 'what scopes begin with in these tokens', '')
    .option(
      '--unknown <n>',
      'how many pictures that are not known to keep for each model, to be labelled; 0: none',
      wholeNumber(0),
      0,
    )
    .option('--unknown-mb <n>', 'how many megabytes these may take', wholeNumber(1), 512)
    .option(
      '--public-url <url>',
      'what the server is called from outside, where something stands before it',
      origin,
    )
    .action(async (flags: Flags) => {
      const { serve } = await import('../serve/run.ts');
      await serve(contextOf(flags), flags);
    });
}
