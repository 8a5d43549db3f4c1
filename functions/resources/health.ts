import { z } from '@hono/zod-openapi';
import { DATA_SETS } from '../../core/registry/layout.ts';
import type { Deps } from '../deps.ts';
import { route } from '../http/route.ts';
import { answer, problems, router } from '../http/router.ts';

const health = route({
  method: 'get',
  path: '/healthz',
  scope: 'public',
  tag: 'server',
  summary: 'Whether the process is alive',
  responses: { 200: answer('It is.', z.object({ status: z.literal('ok') })), ...problems() },
});

const ready = route({
  method: 'get',
  path: '/readyz',
  scope: 'public',
  tag: 'server',
  summary: 'Whether it can answer: the store can be read, and the model that is asked by default is loaded',
  responses: {
    200: answer(
      'It can.',
      z.object({
        status: z.literal('ready'),
        versions: z.array(z.object({ model: z.string(), version: z.int() })),
      }),
    ),
    ...problems(),
  },
});

const metrics = route({
  method: 'get',
  path: '/metrics',
  scope: 'read',
  tag: 'server',
  summary: 'Numbers of the server, for Prometheus',
  responses: {
    200: { description: 'Text format 0.0.4.', content: { 'text/plain': { schema: z.string() } } },
    ...problems(),
  },
});

/** What watches over the server. */
export function healthRoutes({ registry, versions, metrics: numbers, model }: Deps) {
  return router()
    .openapi(health, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(ready, async (c) => {
      for await (const name of registry.store.folders(DATA_SETS)) {
        void name;
        break;
      }
      if (model !== null) await versions.ask({ model, alias: 'production' }, () => Promise.resolve());
      const loaded = versions.warm.map((warm) => ({ ...warm.name }));
      return c.json({ status: 'ready' as const, versions: loaded }, 200);
    })
    .openapi(metrics, (c) =>
      c.text(numbers.text(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
    );
}
