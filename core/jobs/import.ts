/** An import as a job: planned, embedded in parts, published once. Whatever stops it in between, the next attempt goes on. */
import { CancelledError } from '../errors.ts';
import { inOrder } from '../images/in-order.ts';
import { listingsPrefix, planImport, shardsOfPart } from '../ingest/import/plan.ts';
import type { ImportPlan } from '../ingest/import/plan.ts';
import { noteEmbedding } from '../ingest/import/progress.ts';
import { publishImport } from '../ingest/import/publish.ts';
import type { ImportResult } from '../ingest/import/request.ts';
import { imagesIn, listShards, shardsPrefix } from '../ingest/import/shards.ts';
import type { Source } from '../ingest/import/source.ts';
import type { Registry } from '../registry/registry.ts';
import type { ObjectStore } from '../storage/store.ts';
import { attemptJob } from './attempt.ts';
import type { AttemptContext } from './attempt.ts';
import { notingFailure } from './failure.ts';
import { now, readImport, updateJob } from './job.ts';
import type { ImportJob } from './job.ts';
import { requireOpen, takeJob } from './owner.ts';
import { plainText } from './plain-text.ts';

export interface ImportContext extends AttemptContext {
  readonly registry: Registry;
  /** Where this process works, see owner.ts. @default this machine's name */
  readonly place?: string | undefined;
  /** See owner.ts. @default false */
  readonly unattended?: boolean | undefined;
  /** Has these parts embedded, and ends when all are; throws when one failed. */
  readonly embed: (parts: readonly number[], signal: AbortSignal) => Promise<void>;
}

/** Milliseconds between two looks at how many shards are done. */
const LOOK_MS = 1000;
const DELETES_AT_ONCE = 16;

/**
 * Works on the job until its images are in the gallery. A job that has succeeded gives its result again.
 * @throws ConflictError when another process works on it; CancelledError when stopped; the error that a part ended with
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
          const outcome = inPlainText(await publishImport(registry, job, source, { signal }));
          return { outcome, result: outcome };
        });
  // What stays of it does no harm.
  await clear(registry.store, job.id).catch(() => undefined);
  return result;
}

/**
 * Whether the import still needs its parts, for `embedPart`.
 * @throws CancelledError when it was cancelled or has failed
 */
export async function isImportOpen(store: ObjectStore, id: string): Promise<boolean> {
  const { state, cancelRequested } = await readImport(store, id);
  if (state === 'cancelled' || state === 'failed' || cancelRequested) {
    const what = state === 'failed' ? 'has failed' : 'was cancelled';
    throw new CancelledError(
      `The import ${id} ${what}, so its parts stop. What they have embedded is kept. Resume it with "kindred gallery import --resume ${id}", ` +
        `or step by step from "--step plan" on.`,
    );
  }
  return state !== 'succeeded';
}

async function resultOf(store: ObjectStore, { id }: ImportJob): Promise<ImportResult> {
  const { result } = await readImport(store, id);
  if (result === null) throw new Error(`job ${id} has succeeded without a result`);
  return result;
}

/** Reasons without paths of the machine that embedded. */
function inPlainText({ left, ...result }: ImportResult): ImportResult {
  const first = left.first.map(({ key, reason }) => ({ key, reason: plainText(reason) }));
  return { ...result, left: { ...left, first } };
}

async function embedMissing(
  job: ImportJob,
  plan: ImportPlan,
  { registry, embed, report, signal }: ImportContext & { readonly signal: AbortSignal },
): Promise<void> {
  const look = async (): Promise<Set<number>> => {
    const there = await listShards(registry.store, job.id);
    report({ phase: 'embedding', part: 'imported', done: imagesIn(plan, there), total: plan.pictures });
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
    throw new CancelledError('Stopped while images were being embedded.', { cause: error });
  } finally {
    clearInterval(timer);
    await looking.now;
  }
}

/** The parts of which a shard is missing. */
function openParts(plan: ImportPlan, parts: number, there: ReadonlySet<number>): number[] {
  return Array.from({ length: parts }, (_, part) => part).filter((part) => {
    const { from, to } = shardsOfPart(plan, parts, part);
    for (let shard = from; shard < to; shard++) if (!there.has(shard)) return true;
    return false;
  });
}

async function clear(store: ObjectStore, id: string): Promise<void> {
  for (const prefix of [shardsPrefix(id), listingsPrefix(id)]) {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    for await (const _ of inOrder(keys, DELETES_AT_ONCE, (key) => store.delete(key)));
  }
}

/**
 * Does one step of an import in a process by itself, such as a container: the job runs from then on, and has failed when the step has, unless
 * another process works on it.
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
