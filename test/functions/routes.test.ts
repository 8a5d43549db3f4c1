import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { registryTokens } from '../../core/registry/registry-tokens.ts';
import { SCOPES, createToken } from '../../core/registry/tokens.ts';
import type { Scope } from '../../core/registry/tokens.ts';
import { createApp } from '../../functions/app.ts';
import { scopesOf } from '../../functions/http/route.ts';
import { makeDeps } from '../../functions/deps.ts';
import { colours, json } from './support.ts';

/** Every route with the scope it should need. Change a line only after asking who may do it. */
const REVIEWED: Readonly<Record<string, Scope | 'public'>> = {
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'read',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /': 'public',
  'POST /v1/classify': 'classify',
  'POST /v1/models/:model/classify': 'classify',
  'POST /v1/embed': 'classify',
  'POST /v1/models/:model/embed': 'classify',
  'POST /v1/verify': 'classify',
  'POST /v1/models/:model/verify': 'classify',
  // Images that users sent, and what becomes of them.
  'POST /v1/models/:model/feedback': 'upload',
  'GET /v1/models/:model/unknown': 'upload',
  'GET /v1/models/:model/unknown/:picture': 'upload',
  'POST /v1/models/:model/unknown/:picture/label': 'upload',
  'DELETE /v1/models/:model/unknown/:picture': 'upload',
  'GET /v1/models': 'read',
  'GET /v1/models/:model': 'read',
  'GET /v1/models/:model/versions/:version': 'read',
  'GET /v1/models/:model/aliases/:alias': 'read',
  'GET /v1/models/:model/aliases/:alias/moves/:move': 'read',
  'PUT /v1/models/:model/aliases/:alias': 'admin',
  'DELETE /v1/models/:model': 'admin',
  'DELETE /v1/models/:model/aliases/:alias': 'admin',
  'DELETE /v1/datasets/:dataset': 'admin',
  'GET /v1/datasets': 'read',
  'GET /v1/datasets/:dataset': 'read',
  'PUT /v1/datasets/:dataset/images/:class/:file': 'upload',
  'DELETE /v1/datasets/:dataset/images/:class/:file': 'upload',
  'POST /v1/datasets/:dataset/uploads': 'upload',
  // Its path is signed.
  'PUT /v1/uploads/:upload': 'public',
  'POST /v1/trainings': 'train',
  'GET /v1/recipes': 'read',
  'GET /v1/trainings': 'read',
  'GET /v1/trainings/:id': 'read',
  'GET /v1/trainings/:id/events': 'read',
  'DELETE /v1/trainings/:id': 'train',
  'POST /v1/trainings/:id/resume': 'train',
  'POST /v1/imports': 'train',
  'GET /v1/imports': 'read',
  'GET /v1/imports/:id': 'read',
  'GET /v1/imports/:id/events': 'read',
  'DELETE /v1/imports/:id': 'train',
  'POST /v1/imports/:id/resume': 'train',
};

describe('the routes', () => {
  let app: ReturnType<typeof createApp>;
  let close: () => Promise<void>;
  let tokens: ReadonlyMap<Scope, string>;
  before(async () => {
    const registry = await colours();
    const store = registryTokens(registry.store);
    const made = { createdBy: 'a test' };
    tokens = new Map(
      await Promise.all(
        SCOPES.map(async (scope) => {
          const { token } = await createToken(store, { ...made, name: scope, scopes: [scope] });
          return [scope, token] as const;
        }),
      ),
    );
    const deps = makeDeps({ registry, log: () => undefined, tokens: true });
    app = createApp(deps);
    close = () => deps.versions.close();
  });
  after(() => close());

  const ask = async (route: string, token?: string): Promise<Response> => {
    const [method = '', path = ''] = route.split(' ');
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await app.request(path.replaceAll(/:\w+/g, 'x'), { method, headers });
    await response.clone().arrayBuffer();
    return response;
  };

  it('are those that were reviewed, each with its scope', () => {
    const handled = app.routes.filter(({ method }) => method !== 'ALL');

    assert.deepEqual(Object.fromEntries(scopesOf(app)), REVIEWED);
    assert.deepEqual(
      [...new Set(handled.map(({ method, path }) => `${method} ${path}`))].toSorted(),
      Object.keys(REVIEWED).toSorted(),
    );
  });

  it('refuse every token without their scope, and a request without a token', async () => {
    for (const [route, scope] of scopesOf(app)) {
      const anonymous = (await ask(route)).status;
      assert.equal(anonymous === 401, scope !== 'public', route);
      for (const [other, token] of tokens) {
        const response = await ask(route, token);
        const refused = response.headers.get('www-authenticate') ?? '';
        const expected = scope === 'public' || other === scope || other === 'admin' ? '' : `"${scope}"`;
        assert.equal(/error="insufficient_scope", scope=(.*)$/.exec(refused)?.[1] ?? '', expected, route);
        if (expected !== '') assert.equal(response.status, 403, route);
      }
    }
  });

  it('are described with the scope that they need', async () => {
    type Operation = { readonly security: readonly unknown[] };
    const { paths } = await json<{ paths: Record<string, Record<string, Operation>> }>(
      await app.request('/openapi.json'),
    );
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
        const scope = REVIEWED[route];
        assert.deepEqual(security, scope === 'public' ? [] : [{}, { token: [scope] }], route);
      }
    }
  });
});
