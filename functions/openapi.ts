/** The interface as an OpenAPI 3.1 document, made from the schemas that requests are checked with. */
import { TAGS, TOKEN } from './http/route.ts';
import type { router } from './http/router.ts';

export type OpenApiDocument = ReturnType<ReturnType<typeof router>['getOpenAPI31Document']>;

const DESCRIPTION = `Tells what pictures show by their resemblance to pictures that it was given.

Errors are application/problem+json (RFC 9457); \`type\` is stable, and \`instance\` is the id of the request in the server's log.
Where the server wants tokens, send "Authorization: Bearer TOKEN".`;

/** @param app with all its routes */
export function openApiOf(app: ReturnType<typeof router>): OpenApiDocument {
  app.openAPIRegistry.registerComponent('securitySchemes', TOKEN, { type: 'http', scheme: 'bearer' });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Kindred', version: '1', description: DESCRIPTION },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
}
