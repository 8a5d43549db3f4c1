import { z } from '@hono/zod-openapi';
import { DATA_SETS } from '../../core/registry/layout.ts';
import type { Registry } from '../../core/registry/registry.ts';
import type { ServerMetrics } from '../http/server-metrics.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';
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

interface HealthNeeds {
  readonly registry: Registry;
  readonly versions: WarmVersions;
  readonly metrics: ServerMetrics;
  /** The model of requests that name none; null: the only one there is. */
  readonly model: string | null;
}

/** Health, readiness and metrics. */
export function healthRoutes({ registry, versions, metrics: numbers, model }: HealthNeeds) {
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
    .openapi(metrics, async (c) =>
      c.text(await numbers.text(), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }),
    );
}
