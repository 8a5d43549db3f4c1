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
  const response = await fetch(address, { ...init, redirect: 'manual' });
  try {
    if (response.status !== 200) throw new Error(`${address} answers ${response.status}, not 200`);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of response.body ?? []) {
      size += piece.length;
      if (size > MOST_BYTES) throw new Error(`${address} answers more than ${MOST_BYTES} bytes`);
      pieces.push(piece);
    }
    return new Response(Buffer.concat(pieces, size), { status: 200 });
  } catch (error) {
    await response.body?.cancel().catch(() => undefined);
    throw error;
  }
}
