/** Thumbnails of the images that a report shows, as many as its size allows. */
import { KindredError } from '../../errors.ts';
import type { Picture } from '../../images/dataset.ts';
import { defaultConcurrency } from '../../images/decode-pictures.ts';
import { inOrder } from '../../images/in-order.ts';
import { thumbnail } from '../../images/thumbnail.ts';
import { html } from '../../markup.ts';
import type { Html } from '../../markup.ts';

/** An image; training and test images may have the same keys. */
export interface PictureName {
  readonly part: 'training' | 'test';
  readonly key: string;
}

export interface ShownPicture {
  readonly width: number;
  readonly height: number;
  /** `data:image/webp;base64,...` */
  readonly address: string;
}

/** Null for an image that cannot be shown. */
export type Pictures = (name: PictureName) => ShownPicture | null;

/** Pixels of a thumbnail: 160 x 160 in another shape. */
const PIXELS = 25_600;
/** Characters of all data URLs together, each as often as it is shown. */
export const MOST_CHARACTERS = 2_000_000;

/**
 * Makes thumbnails, in this order, until the size is used up. An image that cannot be read any more is left out.
 * @param wanted as they are shown; an image that is shown several times counts as often
 */
export async function smallCopies(
  wanted: readonly PictureName[],
  find: (name: PictureName) => Picture | undefined,
  most = MOST_CHARACTERS,
): Promise<Pictures> {
  const times = new Map<string, number>();
  for (const one of wanted) times.set(idOf(one), (times.get(idOf(one)) ?? 0) + 1);
  const names = new Map(wanted.map((one) => [idOf(one), one]));
  const shown = new Map<string, ShownPicture>();
  let left = most;
  const copies = inOrder(names.values(), defaultConcurrency(), async (one) => ({
    id: idOf(one),
    copy: await copyOf(find(one)),
  }));
  for await (const { id, copy } of copies) {
    if (copy === null) continue;
    left -= copy.address.length * (times.get(id) ?? 1);
    if (left < 0) break;
    shown.set(id, copy);
  }
  return (one) => shown.get(idOf(one)) ?? null;
}

const idOf = ({ part, key }: PictureName): string => `${part} ${key}`;

async function copyOf(picture: Picture | undefined): Promise<ShownPicture | null> {
  if (picture === undefined) return null;
  try {
    const { width, height, webp } = await thumbnail(await picture.read(), PIXELS);
    return { width, height, address: `data:image/webp;base64,${Buffer.from(webp).toString('base64')}` };
  } catch (error) {
    // A report without an image is better than a training without a version.
    if (error instanceof KindredError) return null;
    throw error;
  }
}

/** A thumbnail, or a placeholder that says what is missing. */
export function image(shown: ShownPicture | null, alt: string): Html {
  if (shown === null)
    return html`<span class="picture none" role="img" aria-label="${alt}, not shown"></span>`;
  const { address, width, height } = shown;
  return html`<span class="picture"
    ><img src="${address}" alt="${alt}" width="${width}" height="${height}"
  /></span>`;
}
