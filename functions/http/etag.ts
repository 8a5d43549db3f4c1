import type { Context } from 'hono';

/** Whether whoever asks has this state already (RFC 9110, 13.1.2: compared without the mark of weak ones). */
export function notModified(c: Context, etag: string): boolean {
  const given = c.req.header('If-None-Match');
  return given !== undefined && (given.trim() === '*' || tagsOf(given).includes(bare(etag)));
}

/** Whether a condition `If-Match` is about this state: only strong tags are (RFC 9110, 13.1.1). */
export function matches(given: string, etag: string): boolean {
  return given.trim() === '*' || given.split(',').some((tag) => tag.trim() === etag);
}

function tagsOf(header: string): string[] {
  return header.split(',').map((tag) => bare(tag.trim()));
}

function bare(tag: string): string {
  return tag.replace(/^W\//, '');
}
