/** Numbers and times as people read them. */
export * from '../../core/format.ts';

/** {a: 1, b: 'x'} -> "a=1 b=x". */
export function settings(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
