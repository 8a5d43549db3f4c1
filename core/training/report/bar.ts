import type { Interval } from '../evaluation/accuracy.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

/** A share as a bar with its interval. The numbers stand beside it; nobody needs to see it to know them. */
export function bar(share: number, interval: Interval | null, className: string): Html {
  const whisker =
    interval &&
    html`<span
      class="whisker"
      style="left:${css(interval.low)};width:${css(interval.high - interval.low)}"
    ></span>`;
  return html`<span class="bar ${className}" aria-hidden="true"
    ><span class="fill" style="width:${css(share)}"></span>${whisker}</span
  >`;
}

function css(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}
