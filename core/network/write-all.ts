import { writeSync } from 'node:fs';

/** Writes all of it: one write may take less, as when a disk fills up or a piece is beyond 2 GiB. */
export function writeAll(descriptor: number, content: NodeJS.ArrayBufferView): void {
  const bytes = new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done, bytes.length - done);
}
