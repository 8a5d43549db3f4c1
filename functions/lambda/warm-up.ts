import { DEFAULT_ALIAS } from '../../core/registry/names.ts';
import type { Deps } from '../deps.ts';

/** Lambda ends an initialisation after ten seconds and begins anew. */
const MOST_MS = 8000;

/** Loads what is asked by default, and who may ask. It may not be there yet, or take longer than there is time: then the first request that needs it loads it. */
export async function warmUp(deps: Deps): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, MOST_MS)));
  await Promise.race([late, Promise.allSettled([loaded(deps), deps.tokens?.any()])]);
  clearTimeout(timer);
}

async function loaded(deps: Deps): Promise<void> {
  const asked = await deps.targets.of(undefined, { alias: DEFAULT_ALIAS });
  await deps.versions.ask(asked, () => Promise.resolve());
}
