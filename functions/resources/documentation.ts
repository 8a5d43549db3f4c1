import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { digest } from '../../core/images/picture.ts';
import { DOCS_POLICY, docsPage } from '../docs-page.ts';
import { notModified } from '../http/etag.ts';
import { route } from '../http/route.ts';
import { router } from '../http/router.ts';
import type { OpenApiDocument } from '../openapi.ts';

const shared = { method: 'get' as const, scope: 'public' as const, tag: 'server' as const };
const unchanged = { description: 'Not modified (If-None-Match).' };

const json = route({
  ...shared,
  path: '/openapi.json',
  summary: 'The OpenAPI document',
  responses: {
    200: { description: 'The document.', content: { 'application/json': { schema: z.unknown() } } },
    304: unchanged,
  },
});

const html = route({
  ...shared,
  path: '/docs',
  summary: 'The OpenAPI document as a page',
  responses: {
    200: { description: 'The page.', content: { 'text/html': { schema: z.string() } } },
    304: unchanged,
  },
});

const start = route({
  ...shared,
  path: '/',
  summary: 'Redirect to the page',
  responses: { 302: { description: 'To /docs.' } },
});

/** The API documentation. It describes the other routes, and is not part of the document itself. */
export function documentationRoutes(document: OpenApiDocument) {
  const page = docsPage(document);
  let etag: string | null = null;
  const isKnown = (c: Context): boolean => {
    etag ??= `"${digest(page + JSON.stringify(document)).slice(0, 32)}"`;
    c.header('ETag', etag);
    c.header('Cache-Control', 'no-cache');
    return notModified(c, etag);
  };
  return (
    router()
      .openapi(json, (c) => (isKnown(c) ? c.body(null, 304) : c.json(document, 200)))
      .openapi(html, (c) =>
        isKnown(c) ? c.body(null, 304) : c.html(page, 200, { 'Content-Security-Policy': DOCS_POLICY }),
      )
      // Relative: a proxy may serve the API under a path.
      .openapi(start, (c) => c.redirect('docs', 302))
  );
}
