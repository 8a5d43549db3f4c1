/** Ingests images that come to datasets in the bucket, change or go: events of S3, through EventBridge and SQS or directly. */
import { embedPictures } from '../core/embedding/embed-pictures.ts';
import { followersOf } from '../core/ingest/followers.ts';
import { ingest } from '../core/ingest/ingest.ts';
import { KnownGalleries } from '../core/ingest/known-galleries.ts';
import type { Ingested } from '../core/ingest/reconcile.ts';
import { parseAddress } from '../core/storage/s3/address.ts';
import { ingestEnvironment } from './environment.ts';
import { describe } from './http/problems.ts';
import { Compactor } from './ingestion/compactor.ts';
import { Embedders } from './lambda/embedders.ts';
import { ingestMessages } from './lambda/ingest-messages.ts';
import type { Message } from './lambda/ingest-messages.ts';
import { logFrom } from './lambda/log.ts';
import { registryOf } from './lambda/registry.ts';

const environment = ingestEnvironment();
const log = logFrom(environment.KINDRED_LOG_LEVEL);
const onTrouble = (error: unknown): void => log({ level: 'warning', error: describe(error) });
const address = parseAddress(environment.KINDRED_REGISTRY);
const registry = registryOf(environment, onTrouble);
const galleries = new KnownGalleries(registry);
const embedders = new Embedders(registry, environment.KINDRED_VERSIONS);
const compactor = new Compactor(registry, galleries, log);

/** What of Lambda's context is used. */
interface Context {
  readonly getRemainingTimeInMillis: () => number;
}

/**
 * Of a batch of SQS the answer names the messages that failed, which alone come again. Any other event is one message by itself.
 * @throws Error when such an event cannot be taken up
 */
export async function handler(event: unknown, context?: Context): Promise<unknown> {
  const left = () => context?.getRemainingTimeInMillis() ?? Number.POSITIVE_INFINITY;
  const batch = messagesOf(event);
  const messages = batch ?? [{ messageId: 'event', body: JSON.stringify(event) }];
  const failed = await ingestMessages(messages, { address, take, log, left });
  if (batch !== null) return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  if (failed.length > 0) throw new Error('The event could not be taken up; the log says why.');
  return {};
}

/** The messages of a batch of SQS, or null when the event is none. */
function messagesOf(event: unknown): readonly Message[] | null {
  const records: unknown = (event as { Records?: unknown } | null)?.Records;
  if (!Array.isArray(records) || records.length === 0) return null;
  const isSqs = records.every((record) => (record as { eventSource?: unknown }).eventSource === 'aws:sqs');
  return isSqs ? (records as Message[]) : null;
}

async function take(keys: readonly string[]): Promise<Ingested[]> {
  const done = await ingest(registry, keys, {
    galleries,
    followers: (dataset) => followersOf(registry, dataset, onTrouble),
    embed: (version, images) => embedders.use(version, (embedder) => embedPictures(embedder, images)),
  });
  for (const { model, version, outcome } of done) {
    if (outcome === 'unchanged' || !compactor.isTime(model)) continue;
    // What was ingested is not lost when that fails.
    await compactor.compact({ model, version }).catch(onTrouble);
  }
  return done;
}
