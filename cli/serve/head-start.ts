import type { Embedder } from '../../core/embedding/embedder.ts';
import { DEFAULT_ALIAS } from '../../core/registry/names.ts';
import { openEmbedder } from '../../core/registry/open-version.ts';
import type { Registry } from '../../core/registry/registry.ts';

type Open = typeof openEmbedder;

interface Begun {
  readonly model: string;
  readonly version: number;
  readonly embedder: Embedder;
}

/**
 * Begins to open what will be asked for by default, before the server's own code is loaded.
 * @param named null: the only model there is
 * @returns once the largest file is being read, or cannot be: what opens embedders, and gives out the one that was begun when it is
 * asked for
 */
export async function headStart(registry: Registry, named: string | null): Promise<Open> {
  const [watched, reading] = watch(registry);
  let begun: Promise<Begun | null> | null = begin(watched, named).catch(() => null);
  await Promise.race([reading, begun]);
  return async (of, asked, options) => {
    const early = await begun;
    if (early === null || begun === null) return openEmbedder(of, asked, options);
    begun = null;
    if (early.model === asked.model && early.version === asked.version) return early.embedder;
    early.embedder.dispose();
    return openEmbedder(of, asked, options);
  };
}

/** The registry, and when the first large file of it is being read. */
function watch(registry: Registry): [Registry, Promise<void>] {
  let begins = (): void => undefined;
  const reading = new Promise<void>((resolve) => (begins = resolve));
  const withFile: Registry['withFile'] = (...asked) => {
    const done = registry.withFile(...asked);
    begins();
    return done;
  };
  return [{ ...registry, withFile }, reading];
}

async function begin(registry: Registry, named: string | null): Promise<Begun | null> {
  const [model, ...others] = named === null ? await registry.models() : [named];
  if (model === undefined || others.length > 0) return null;
  const { version } = await registry.resolve(`${model}@${DEFAULT_ALIAS}`);
  return { model, version, embedder: await openEmbedder(registry, { model, version }) };
}
