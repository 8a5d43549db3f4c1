/** An import as a job: planned, embedded in parts, published once. Whatever stops it in between, the next attempt goes on. */
import { CancelledError } from '../../errors.ts';
import { inOrder } from '../../images/in-order.ts';
import type { Registry } from '../../registry/registry.ts';
import type { ObjectStore } from '../../storage/store.ts';
import { attemptJob } from '../../jobs/attempt.ts';
import type { AttemptContext } from '../../jobs/attempt.ts';
import { notingFailure } from '../../jobs/failure.ts';
import { now, readImport, updateJob } from '../../jobs/job.ts';
import type { ImportJob } from '../../jobs/job.ts';
import { requireOpen, takeJob } from '../../jobs/owner.ts';
import { listingsPrefix, piecesPrefix } from './keys.ts';
import { listPieces, picturesIn } from './pieces.ts';
import { piecesOfPart, planImport } from './plan.ts';
import type { ImportPlan } from './plan.ts';
import { noteEmbedding } from './progress.ts';
import { publishImport } from './publish.ts';
import type { ImportResult } from './request.ts';
import type { Source } from './source.ts';

export interface ImportContext extends AttemptContext {
  readonly registry: Registry;
  /** Where this process works, see owner.ts. @default this machine's name */
  readonly place?: string | undefined;
  /** See owner.ts. @default false */
  readonly unattended?: boolean | undefined;
  /** Has these parts embedded, and ends when all are; throws when one failed. */
  readonly embed: (parts: readonly number[], signal: AbortSignal) => Promise<void>;
}

/** Milliseconds between two looks at how many pieces there are. */
const LOOK_MS = 1000;
const DELETES_AT_ONCE = 16;

/**
 * Works on the job until its pictures are in the gallery. A job that has succeeded gives its result again.
 * @throws ConflictError when another process works on it; CancelledError when stopped; what the parts ended with
 */
export async function runImport(
  job: ImportJob,
  source: Source,
  context: ImportContext,
): Promise<ImportResult> {
  const { registry } = context;
  const hold = await takeJob(registry.store, job.id, context);
  const result =
    hold === null
      ? await resultOf(registry.store, job)
      : await attemptJob(registry.store, hold, context, async ({ report, signal }) => {
          const plan = await planImport(registry, job, source, { signal });
          await embedMissing(job, plan, { ...context, report, signal });
          report({ phase: 'publishing' });
          const outcome = await publishImport(registry, job, source, { signal });
          return { outcome, result: outcome };
        });
  // What stays of it does no harm.
  await clear(registry.store, job.id).catch(() => undefined);
  return result;
}

async function resultOf(store: ObjectStore, { id }: ImportJob): Promise<ImportResult> {
  const { result } = await readImport(store, id);
  if (result === null) throw new Error(`job ${id} has succeeded without a result`);
  return result;
}

async function embedMissing(
  job: ImportJob,
  plan: ImportPlan,
  { registry, embed, report, signal }: ImportContext & { readonly signal: AbortSignal },
): Promise<void> {
  const look = async (): Promise<Set<number>> => {
    const there = await listPieces(registry.store, job.id);
    const [done, total] = [picturesIn(plan, there), plan.pictures];
    report({ phase: 'embedding', part: 'imported', done, total });
    return there;
  };
  const open = openParts(plan, job.request.parts, await look());
  if (open.length === 0) return;
  await noteEmbedding(registry.store, job.id, plan);
  const looking: { now: Promise<unknown> | null } = { now: null };
  const timer = setInterval(() => {
    looking.now ??= look()
      .catch(() => undefined) // it looks again
      .finally(() => (looking.now = null));
  }, LOOK_MS);
  try {
    await embed(open, signal);
  } catch (error) {
    // The parts may see it before this process does.
    const { cancelRequested } = await readImport(registry.store, job.id);
    if (!cancelRequested || error instanceof CancelledError) throw error;
    throw new CancelledError('Stopped while pictures were being embedded.', { cause: error });
  } finally {
    clearInterval(timer);
    await looking.now;
  }
}

/** The parts of which something is missing. */
function openParts(plan: ImportPlan, parts: number, there: ReadonlySet<number>): number[] {
  return Array.from({ length: parts }, (_, part) => part).filter((part) => {
    const { from, to } = piecesOfPart(plan, parts, part);
    for (let piece = from; piece < to; piece++) if (!there.has(piece)) return true;
    return false;
  });
}

async function clear(store: ObjectStore, id: string): Promise<void> {
  for (const prefix of [piecesPrefix(id), listingsPrefix(id)]) {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    for await (const _ of inOrder(keys, DELETES_AT_ONCE, (key) => store.delete(key)));
  }
}

/**
 * Does one step of an import in a process that nobody stands behind, such as a container: the job is under way then, and has failed when
 * the step has, unless somebody works on it who sees to that.
 * @param unattended as for `takeJob`
 * @throws CancelledError when the job was cancelled before; of an unattended process, ConflictError when it has failed before
 */
export async function asStep<T>(
  store: ObjectStore,
  id: string,
  unattended: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const job = await updateJob(store, id, (found) => {
    if (unattended || found.state === 'cancelled') requireOpen(found);
    return found.state === 'queued'
      ? { ...found, state: 'running', startedAt: found.startedAt ?? now() }
      : found;
  });
  return notingFailure(store, job, work);
}
