/** The unit prices of docs/prices.json, and what quantities cost with them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ROOT } from '../docs/support.ts';

/** What stands for the date of a page that has none. */
export const UNDATED = 'undated page, as stored';

const priceSchema = z.strictObject({
  /** What is paid for, as the tables name it. */
  of: z.string().min(1),
  unit: z.string().min(1),
  /** Dollars for one unit. */
  usd: z.number().positive(),
  /** Units that AWS gives to every account each month, without an end. */
  freeAMonth: z.number().positive().optional(),
  note: z.string().min(1).optional(),
  /** Where the price was seen, with the day or month that the page is of. */
  pages: z
    .record(
      z.url({ protocol: /^https$/ }),
      z.union([z.literal(UNDATED), z.string().regex(/^2\d{3}-\d{2}(?:-\d{2})?$/)]),
    )
    .refine((pages) => Object.keys(pages).length > 0, 'a price has to be seen somewhere'),
});
export type Price = z.output<typeof priceSchema>;

const fileSchema = z.strictObject({
  region: z.string(),
  lookedUp: z.iso.date(),
  prices: z.record(z.string(), priceSchema),
});

export const PRICES = fileSchema.parse(
  JSON.parse(readFileSync(path.join(ROOT, 'docs', 'prices.json'), 'utf8')),
);

/** How many units of what; "million requests" are counted in millions. */
export type Quantities = Readonly<Record<string, number>>;

/** @throws Error when the file has no such price */
export function priceOf(name: string): Price {
  const price = PRICES.prices[name];
  if (price === undefined) throw new Error(`docs/prices.json has no price "${name}".`);
  return price;
}

type Charged = (amount: number, price: Price) => number;

/** Dollars for all of it, or for as much as is charged. */
export function total(quantities: Quantities, charged: Charged = (amount) => amount): number {
  const costs = Object.entries(quantities).map(([name, amount]) => {
    const price = priceOf(name);
    return charged(amount, price) * price.usd;
  });
  return costs.reduce((sum, cost) => sum + cost, 0);
}

/** What remains to be paid for where nothing else of the account uses up what is free. */
export const lessFree: Charged = (amount, { freeAMonth = 0 }) => Math.max(0, amount - freeAMonth);

/** As the tables say it. */
export function dollars(cost: number): string {
  if (cost === 0) return '0';
  return cost < 0.005 ? 'under $0.01' : `$${cost.toFixed(2)}`;
}

/** A price: cents, or as exact as it is. */
const exact = (usd: number): string => `$${Number(usd.toFixed(2)) === usd ? usd.toFixed(2) : usd}`;

/** Three digits are more than the estimates hold. */
const rounded = (amount: number): string => String(Number(amount.toPrecision(3)));

/** The rows of a table: what, unit, its price, and for each scenario the cost and how many units that is. */
export function rows(names: readonly string[], scenarios: readonly Quantities[]): string[][] {
  return names.map((name) => {
    const { of, unit, usd } = priceOf(name);
    const cells = scenarios.map(({ [name]: amount = 0 }) =>
      amount === 0 ? '0' : `${dollars(amount * usd)} (${rounded(amount)})`,
    );
    return [of, unit, exact(usd), ...cells];
  });
}
