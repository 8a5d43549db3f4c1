/** The interface as an OpenAPI 3.1 document, made from the schemas that requests are checked with. */
import type { router } from './http/router.ts';

export type OpenApiDocument = ReturnType<ReturnType<typeof router>['getOpenAPI31Document']>;

const DESCRIPTION = `Tells what pictures show by their resemblance to pictures that it was given.

Errors are application/problem+json (RFC 9457); \`type\` is stable, and \`instance\` is the id of the request in the server's log.
Where the server wants tokens, send "Authorization: Bearer TOKEN".`;

/** @param app with all its routes */
export function openApiOf(app: ReturnType<typeof router>): OpenApiDocument {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'Kindred', version: '1', description: DESCRIPTION },
    // Tokens are wanted only where the server was told so.
    security: [{}, { token: [] }],
    tags: [
      { name: 'pictures', description: 'Ask a model.' },
      { name: 'unknown pictures', description: 'What no model knew, to be labelled.' },
      { name: 'models', description: 'What was trained, and which of it answers.' },
      { name: 'data sets', description: 'Pictures by class, to train on.' },
      { name: 'trainings', description: 'Jobs.' },
      { name: 'imports', description: 'Large sets of pictures into galleries, as jobs.' },
      { name: 'server', description: 'How it does.' },
    ],
  });
}
