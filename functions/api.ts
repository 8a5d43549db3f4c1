/** The HTTP interface as a Lambda function, behind an HTTP API or the function's own address. */
import { handle } from 'hono/aws-lambda';
import type { LambdaContext, LambdaEvent } from 'hono/aws-lambda';
import { ssmTokens } from '../core/registry/ssm/tokens.ts';
import { createApp } from './app.ts';
import { apiEnvironment } from './environment.ts';
import { grantOfAuthorizer } from './lambda/authorizer.ts';
import { requireHttpEvent } from './lambda/http-event.ts';
import { logFrom } from './lambda/log.ts';
import { registryOf } from './lambda/registry.ts';
import { trainingsOf } from './lambda/trainings.ts';
import { warmUp } from './lambda/warm-up.ts';
import { describe } from './http/problems.ts';
import { makeDeps } from './deps.ts';

const environment = apiEnvironment();
const claims = { claim: environment.KINDRED_SCOPES_CLAIM, prefix: environment.KINDRED_SCOPE_PREFIX };
const log = logFrom(environment.KINDRED_LOG_LEVEL);
const lookMs = environment.KINDRED_LOOK_MS;
const deps = makeDeps({
  registry: registryOf(environment, (error) => log({ level: 'warning', error: describe(error) })),
  log,
  model: environment.KINDRED_MODEL ?? null,
  limits: {
    pictureBytes: environment.KINDRED_PICTURE_BYTES,
    pictures: environment.KINDRED_PICTURES,
    seconds: environment.KINDRED_SECONDS,
  },
  // Between requests the process stands still: what was begun beside one would end in another, so that a request waits for it.
  versions: { most: environment.KINDRED_VERSIONS, lookMs, staleMs: lookMs },
  trainings: trainingsOf(environment),
  // An answer goes out when it is whole: whoever follows a training asks again, as the events tell.
  streamMs: 5000,
  // Who may ask is looked at in any case: here, or by what stands before and tells it with each request.
  tokens: environment.KINDRED_AUTH === 'tokens',
  tokenStore: environment.KINDRED_TOKENS === undefined ? null : ssmTokens(environment.KINDRED_TOKENS),
  authorizer: environment.KINDRED_AUTH === 'authorizer' ? (c) => grantOfAuthorizer(eventOf(c), claims) : null,
});
const answer = handle(createApp(deps));
// Before the first request, Lambda gives more of a processor, and nobody waits.
await warmUp(deps);

/** Answers an event of payload format 2.0. */
export async function handler(event: LambdaEvent, context?: LambdaContext): Promise<unknown> {
  return answer(requireHttpEvent(event), context);
}

/** The event that a request was made of. */
function eventOf({ env }: { readonly env: unknown }): unknown {
  return (env as { readonly event?: unknown }).event;
}
