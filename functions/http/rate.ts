/** How often somebody may ask. */
import { isIPv4, isIPv6 } from 'node:net';
import { RequestError } from '../errors.ts';

/** More than this are not remembered: those who asked longest ago begin anew. */
const REMEMBERED = 10_000;
const MINUTE_MS = 60_000;

interface Bucket {
  left: number;
  at: number;
}

/** So many requests a minute for each who asks; all of them may come at once. */
export class Rate {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param now in milliseconds */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** @throws RequestError (rate-limited) when this was one too many */
  take(who: string): void {
    const now = this.#now();
    const before = this.#buckets.get(who) ?? { left: this.#perMinute, at: now };
    const refilled = before.left + ((now - before.at) / MINUTE_MS) * this.#perMinute;
    const left = Math.min(this.#perMinute, refilled);
    this.#remember(who, { left: left < 1 ? left : left - 1, at: now });
    if (left >= 1) return;
    const seconds = Math.ceil((((1 - left) / this.#perMinute) * MINUTE_MS) / 1000);
    throw new RequestError(
      429,
      'rate-limited',
      `More than ${this.#perMinute} requests in a minute are not taken. Try again in ${seconds} s.`,
      { headers: { 'Retry-After': String(seconds) } },
    );
  }

  #remember(who: string, bucket: Bucket): void {
    this.#buckets.delete(who);
    this.#buckets.set(who, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > REMEMBERED && oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/**
 * Who asks, by address: one machine, or for IPv6 the network that one household or machine gets (64 bits).
 * @param forwarded what proxies wrote into X-Forwarded-For @param proxies how many of them are ours
 */
export function addressOf(
  remote: string | undefined,
  forwarded: string | undefined,
  proxies: number,
): string {
  const said = proxies === 0 ? [] : (forwarded ?? '').split(',').map((one) => one.trim());
  const own = said.at(-proxies) ?? '';
  const address = isIPv4(own) || isIPv6(own) ? own : (remote ?? 'unknown');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(address) ? networkOf(address) : address;
}

function networkOf(address: string): string {
  // The parser of addresses writes all of them in one way.
  const short = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const [head = '', tail] = short.split('::');
  const [first, last] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const gap = tail === undefined ? 0 : 8 - (first?.length ?? 0) - (last?.length ?? 0);
  const groups = [...(first ?? []), ...Array.from({ length: gap }, () => '0'), ...(last ?? [])];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
