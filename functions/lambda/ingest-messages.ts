/** Messages about objects, worked on together, each of which fails alone. */
import { DATA_SETS } from '../../core/registry/layout.ts';
import type { Ingested } from '../../core/ingest/reconcile.ts';
import type { Address } from '../../core/storage/s3/address.ts';
import type { LogEntry } from '../log.ts';
import { describe } from '../http/problems.ts';
import { objectEvents } from './object-events.ts';

/** A message of a queue, as far as it is needed. */
export interface Message {
  readonly messageId: string;
  readonly body: string;
}

export interface IngestWork {
  /** Where the registry lies; what happens elsewhere in the bucket is nothing to it. */
  readonly address: Address;
  /** Takes up what became of the pictures. */
  readonly take: (keys: readonly string[]) => Promise<readonly Ingested[]>;
  readonly log: (entry: LogEntry) => void;
  /** Milliseconds until the function is ended. */
  readonly left: () => number;
}

/** With less than this left nothing is begun: the answer must still get out. */
const LEAST_MS = 3000;

/**
 * Takes up what the messages tell. All pictures together first, which reads each gallery once; when that fails, message by message.
 * A picture that cannot be used is noted and done with: it would be no better next time.
 * @returns the ids of the messages that failed: such as nobody understands, and such as could not be taken up
 */
export async function ingestMessages(
  messages: readonly Message[],
  { address, take, log, left }: IngestWork,
): Promise<string[]> {
  const failed = new Set<string>();
  const fail = (messageId: string, error: string): void => {
    failed.add(messageId);
    log({ level: 'error', messageId, error });
  };
  const work = async (those: readonly Told[]): Promise<void> => {
    const found = await take([...new Set(those.flatMap(({ keys }) => keys))]);
    for (const one of found) log({ level: one.outcome === 'rejected' ? 'warning' : 'info', ...one });
  };

  const told: Told[] = [];
  for (const { messageId, body } of messages) {
    try {
      const keys = keysIn(body, address);
      if (keys.length > 0) told.push({ messageId, keys });
    } catch (error) {
      fail(messageId, describe(error));
    }
  }
  if (told.length === 0) return [...failed];
  try {
    await work(told);
  } catch (error) {
    log({ level: 'warning', error: `All messages together: ${describe(error)}` });
    for (const one of told) {
      try {
        if (left() < LEAST_MS) throw error;
        await work([one]);
      } catch (own) {
        fail(one.messageId, describe(own));
      }
    }
  }
  return [...failed];
}

interface Told {
  readonly messageId: string;
  readonly keys: readonly string[];
}

/** The pictures of data sets that a message is about, as the registry names them; what ingest itself writes is not among them. */
function keysIn(body: string, { bucket, base }: Address): string[] {
  return objectEvents(JSON.parse(body))
    .filter((event) => event.bucket === bucket && event.key.startsWith(base + DATA_SETS))
    .map(({ key }) => key.slice(base.length));
}
