/**
 * The HTTP interface. It takes a Request and gives a Response, and knows neither of servers nor of Lambda: those stand around it.
 */
import type { Hono } from 'hono';
import { NotFoundError } from '../core/errors.ts';
import type { Deps } from './deps.ts';
import { RequestError } from './errors.ts';
import { access } from './http/access.ts';
import { deadline } from './http/deadline.ts';
import { headers, ownHostsOnly, watched } from './http/guards.ts';
import { answerProblem } from './http/problems.ts';
import { scopesOf } from './http/route.ts';
import { router } from './http/router.ts';
import { openApiOf } from './openapi.ts';
import type { OpenApiDocument } from './openapi.ts';
import { aliasRoutes } from './resources/aliases.ts';
import { classifyRoutes } from './resources/classify.ts';
import { dataSetRoutes } from './resources/data-sets.ts';
import { deletionRoutes } from './resources/deletions.ts';
import { documentationRoutes } from './resources/documentation.ts';
import { embedRoutes } from './resources/embed.ts';
import { feedbackRoutes } from './resources/feedback.ts';
import { healthRoutes } from './resources/health.ts';
import { imageRoutes } from './resources/images.ts';
import { importRoutes } from './resources/imports.ts';
import { modelRoutes } from './resources/models.ts';
import { recipeRoutes } from './resources/recipes.ts';
import { pictureKeys } from './resources/asked.ts';
import { trainingRoutes } from './resources/trainings.ts';
import { unknownRoutes } from './resources/unknown.ts';
import { uploadRoutes } from './resources/uploads.ts';
import { verifyRoutes } from './resources/verify.ts';

/** The whole API over its dependencies. */
export function createApp(deps: Deps) {
  const app = router();
  app.openAPIRegistry.register('PictureKeys', pictureKeys);
  app.use(
    watched(deps.log, deps.metrics),
    headers(),
    deadline(deps.limits),
    ownHostsOnly(deps.hosts),
    access(deps, () => scopesOf(app)),
  );
  app.onError((error, c) => answerProblem(c, error, deps));
  app.notFound(() => {
    throw new NotFoundError(
      'There is nothing at this address; GET /docs or /openapi.json says what there is.',
    );
  });
  const routes = app
    .route('/', healthRoutes(deps))
    .route('/v1', classifyRoutes(deps))
    .route('/v1', embedRoutes(deps))
    .route('/v1', verifyRoutes(deps))
    .route('/v1', feedbackRoutes(deps))
    .route('/v1', unknownRoutes(deps))
    .route('/v1', modelRoutes(deps.registry))
    .route('/v1', aliasRoutes(deps))
    .route('/v1', deletionRoutes(deps))
    .route('/v1', dataSetRoutes(deps.registry))
    .route('/v1', imageRoutes(deps))
    .route('/v1', uploadRoutes(deps))
    .route('/v1', recipeRoutes())
    .route('/v1', trainingRoutes(deps))
    .route('/v1', importRoutes(deps));
  const document = openApiOf(routes);
  app.route('/', documentationRoutes(document));
  refuseOtherMethods(routes, document);
  return routes;
}

/** What the typed client is made from. */
export type AppType = ReturnType<typeof createApp>;

/** An address that is there, asked with a method that it has not. */
function refuseOtherMethods(app: ReturnType<typeof router>, { paths = {} }: OpenApiDocument): void {
  for (const [path, methods] of Object.entries(paths)) {
    const allowed = Object.keys(methods).map((name) => name.toUpperCase());
    const Allow = [...allowed, ...(allowed.includes('GET') ? ['HEAD'] : [])].join(', ');
    (app as unknown as Hono).all(path.replaceAll(/\{(.+?)\}/g, ':$1'), () => {
      throw new RequestError(405, 'method-not-allowed', `Allowed here: ${Allow}.`, { headers: { Allow } });
    });
  }
}
