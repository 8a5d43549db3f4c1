/** Documents of others, read no further than is allowed. */

/** Keys of an issuer take a few kilobytes each, with their certificates. */
const MOST_BYTES = 256 * 1024;

/**
 * `fetch` for a small document: from that address itself, not from where it redirects to, and no more than 256 KiB, unpacked.
 * @param init with a signal that ends it, also while the body comes in
 * @throws Error for anything but a whole answer with status 200
 */
export async function fetchDocument(
  address: string,
  init: RequestInit & { readonly signal: AbortSignal },
): Promise<Response> {
  const over = new AbortController();
  const signal = AbortSignal.any([init.signal, over.signal]);
  try {
    return await Promise.race([
      read(address, await fetch(address, { ...init, signal, redirect: 'manual' }), signal),
      aborted(signal),
    ]);
  } finally {
    // Ends the connection where not all was read. Nothing waits for that: a body may take its time to be given up.
    over.abort();
  }
}

async function read(address: string, { status, body }: Response, signal: AbortSignal): Promise<Response> {
  if (status !== 200) throw new Error(`${address} answers ${status}, not 200`);
  const reader = body?.getReader();
  const pieces: Uint8Array[] = [];
  let size = 0;
  while (!signal.aborted) {
    const { value, done } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) break;
    size += value.length;
    if (size > MOST_BYTES) throw new Error(`${address} answers more than ${MOST_BYTES} bytes`);
    pieces.push(value);
  }
  return new Response(Buffer.concat(pieces, size), { status: 200 });
}

/** @throws Error when it is aborted */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
