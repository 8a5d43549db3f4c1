/** Whether the pixels of a JPEG are all there, where its end marker is missing or its end may be filled up. */
import { BrokenContainer } from './containers/container.ts';
import type { JpegDoubt } from './containers/container.ts';
import type { ImageLimits } from './limits.ts';
import { damaged } from './probe.ts';
import type { OpenedImage } from './probe.ts';
import { sharp } from './vips.ts';

/** Rows at the bottom: libvips does not hear what the decoder says of the last ones. */
const ROWS = 64;

/**
 * Where all pixels are there, what stands behind them changes none; where some are missing, the decoder takes it for
 * them. So the bottom is decoded with two endings, and compared.
 * @throws UnreadableImageError
 */
export async function checkJpegEnd(image: OpenedImage, limits: ImageLimits): Promise<void> {
  const { doubt } = image.container;
  if (doubt === undefined) return;
  if (!(await isComplete(image, doubt, 0, limits))) throw broken('its pixels end too soon');
  if (doubt.kind === 'unclosed') return;
  // An even area may be coded by bytes that are alike: then none of them is one too many.
  if (!(await isComplete(image, doubt, 2, limits))) return;
  if (!(await isComplete(image, doubt, 'run', limits))) throw broken('its end is filled up with bytes alike');
}

function broken(reason: string): Error {
  return damaged('JPEG', new BrokenContainer(reason));
}

async function isComplete(
  image: OpenedImage,
  { ending }: JpegDoubt,
  cut: number | 'run',
  limits: ImageLimits,
): Promise<boolean> {
  const [one, other] = await Promise.all([
    bottom(image, ending(cut, 'nothing'), limits),
    bottom(image, ending(cut, 'noise'), limits),
  ]);
  return one.equals(other);
}

async function bottom(image: OpenedImage, bytes: Uint8Array, limits: ImageLimits): Promise<Buffer> {
  const turned = image.container.orientation >= 5;
  const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
  const rows = Math.min(ROWS, height);
  return sharp(bytes, {
    failOn: 'none',
    limitInputPixels: limits.pixels,
    sequentialRead: true,
    ignoreIcc: true,
  })
    .timeout({ seconds: Math.min(limits.seconds, 3600) })
    .extract({ left: 0, top: height - rows, width, height: rows })
    .raw()
    .toBuffer();
}
