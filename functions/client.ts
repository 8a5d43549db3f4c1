import { hc } from 'hono/client';
import type { AppType } from './app.ts';

/** A client whose calls and answers have the types of the interface. @param url such as "http://127.0.0.1:8787" */
export function kindredClient(
  url: string,
  options: { readonly token?: string } = {},
): ReturnType<typeof hc<AppType>> {
  const headers: Record<string, string> =
    options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  return hc<AppType>(url, { headers });
}
