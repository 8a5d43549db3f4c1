import { UnreadableImageError } from '../../core/errors.ts';
import { sniffFormat } from '../../core/images/formats.ts';
import type { ImageFormat } from '../../core/images/formats.ts';
import { unsupportedType } from '../errors.ts';

/**
 * The format by the content, whatever the header of the request says.
 * @throws UnreadableImageError when it is empty; RequestError (unsupported-type)
 */
export function checkFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new UnreadableImageError('the picture is empty; send its bytes');
  const sniffed = sniffFormat(bytes);
  if ('format' in sniffed) return sniffed.format;
  throw unsupportedType(`This is ${sniffed.other}; send JPEG, PNG, WebP, GIF, TIFF or AVIF.`);
}
