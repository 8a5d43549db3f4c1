import type { Gallery } from './gallery.ts';

/** The gallery's pictures without their embeddings, as CSV (RFC 4180): key,class,sha256. */
export function galleryCsv(gallery: Gallery): string {
  const rows = gallery.keys.map((key, row) => [key, gallery.classes[row] ?? '', gallery.sha256[row] ?? '']);
  return [['key', 'class', 'sha256'], ...rows].map((row) => `${row.map(quote).join(',')}\r\n`).join('');
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
