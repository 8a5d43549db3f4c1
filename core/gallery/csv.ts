import type { GalleryImage } from './contents.ts';

/** A gallery's images as CSV (RFC 4180): key,class,sha256. */
export function galleryCsv(images: readonly Pick<GalleryImage, 'key' | 'class' | 'sha256'>[]): string {
  const rows = images.map((image) => [image.key, image.class, image.sha256]);
  return [['key', 'class', 'sha256'], ...rows].map((row) => `${row.map(quote).join(',')}\r\n`).join('');
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
