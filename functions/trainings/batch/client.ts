import { BatchClient } from '@aws-sdk/client-batch';

/** An error of AWS' client. */
interface Refused {
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * A client that finds region, keys and endpoint where AWS' clients look for them, and that never submits a job again by itself: Batch may have
 * it although the answer was lost, and would take it twice. Who asks again looks for it by name first (submission.ts).
 */
export function batchClient(): BatchClient {
  const client = new BatchClient({});
  const place = { relation: 'after', toMiddleware: 'retryMiddleware' } as const;
  client.middlewareStack.addRelativeTo(submittingOnce, { ...place, name: 'submittingOnce' });
  return client;
}

/** A step of the client's, within what repeats requests. */
function submittingOnce<In, Out>(
  next: (args: In) => Promise<Out>,
  { commandName }: { readonly commandName?: string },
): (args: In) => Promise<Out> {
  return async (args) => {
    try {
      return await next(args);
    } catch (cause) {
      if (commandName !== 'SubmitJobCommand' || !mayBeIn(cause as Refused)) throw cause;
      throw unknownWhether(cause as Error);
    }
  };
}

/** An error that the client does not know is not tried again; by its cause it would know it. */
function unknownWhether({ message }: Error): Error {
  return new Error(`It is not known whether Batch has it: ${message}`);
}

/** Whether Batch may have done what it was asked: there was no answer, or it says that something failed there. */
function mayBeIn({ $metadata }: Refused): boolean {
  const { httpStatusCode: status } = $metadata ?? {};
  return status === undefined || status >= 500;
}
