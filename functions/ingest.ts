/** Takes up pictures that come to data sets in the bucket, or go: events of S3, through EventBridge and SQS or straight. */
import { embedPictures } from '../core/embedding/embed-pictures.ts';
import { followersOf } from '../core/ingest/followers.ts';
import { ingest } from '../core/ingest/ingest.ts';
import type { Ingested } from '../core/ingest/ingest.ts';
import { compactGallery } from '../core/registry/compaction.ts';
import { parseAddress } from '../core/storage/s3/address.ts';
import { ingestEnvironment } from './environment.ts';
import { describe } from './http/problems.ts';
import { ingestMessages } from './lambda/ingest-messages.ts';
import type { Message } from './lambda/ingest-messages.ts';
import { logFrom } from './lambda/log.ts';
import { registryOf } from './lambda/registry.ts';
import type { VersionName } from './versions/warm-version.ts';
import { WarmVersions } from './versions/warm-versions.ts';

/** Changes of a gallery after which it is looked at whether they should be compacted. */
const COMPACTED = 32;

const environment = ingestEnvironment();
const log = logFrom(environment.KINDRED_LOG_LEVEL);
const onTrouble = (error: unknown): void => log({ level: 'warning', error: describe(error) });
const address = parseAddress(environment.KINDRED_REGISTRY);
const registry = registryOf(environment, onTrouble);
const versions = new WarmVersions(registry, { most: environment.KINDRED_VERSIONS, onTrouble });

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
    followers: (dataSet) => followersOf(registry, dataSet, onTrouble),
    embed: (version, pictures) => versions.ask(version, ({ embedder }) => embedPictures(embedder, pictures)),
    log: (version) =>
      versions.ask(version, async (warm) => {
        await warm.follow();
        return warm.log;
      }),
  });
  for (const { model, version, outcome } of done) {
    if (outcome !== 'unchanged') await compactNowAndThen({ model, version });
  }
  return done;
}

/** Changes of each gallery by this process since it was last compacted. */
const changes = new Map<string, number>();

/** Many changes are put into one file. What was taken up is not lost when that fails. */
async function compactNowAndThen(version: VersionName): Promise<void> {
  const name = `${version.model}@${version.version}`;
  const count = (changes.get(name) ?? 0) + 1;
  changes.set(name, count % COMPACTED);
  if (count < COMPACTED) return;
  try {
    const { compacted, removed } = await compactGallery(registry.store, version);
    if (compacted + removed > 0) log({ level: 'info', event: 'compaction', ...version, compacted, removed });
  } catch (error) {
    onTrouble(error);
  }
}
