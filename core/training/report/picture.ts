import { html } from './html.ts';
import type { Html } from './html.ts';
import type { ShownPicture } from './pictures.ts';

/** A small copy, or a place that says what would be there. */
export function picture(shown: ShownPicture | null, alt: string): Html {
  if (shown === null)
    return html`<span class="picture none" role="img" aria-label="${alt}, not shown"></span>`;
  const { address, width, height } = shown;
  return html`<span class="picture"
    ><img src="${address}" alt="${alt}" width="${width}" height="${height}"
  /></span>`;
}
