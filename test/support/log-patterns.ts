/** What CloudWatch counts in the logs, told from entries as CloudWatch would, as far as the stacks need it. */
import { LOG_PATTERNS } from '../../cdk/constructs/log-patterns.ts';

type Entry = Readonly<Record<string, unknown>>;

const TEST = /^(\$\S+) (=|>=|>) (?:"([^"]*)"|([\d.]+))$/;

function at(entry: Entry, selector: string): unknown {
  return selector
    .replace(/^\$\./, '')
    .split('.')
    .reduce<unknown>((value, name) => (value as Entry | undefined)?.[name], entry);
}

function holds(entry: Entry, test: string): boolean {
  const [, selector = '', how, text, number] = TEST.exec(test) ?? [];
  if (how === undefined) throw new Error(`A pattern that is not understood here: ${test}`);
  const found = at(entry, selector);
  if (text !== undefined) return how === '=' && found === text;
  if (typeof found !== 'number') return false;
  return how === '>' ? found > Number(number) : found >= Number(number);
}

/** The metrics that an entry of the log adds to, and what it adds. */
export function countedIn(entry: Entry): Record<string, number> {
  const found = Object.entries(LOG_PATTERNS).flatMap(([name, { pattern, value }]) => {
    const tests = pattern.replace(/^\{ (.*) \}$/, '$1').split(' && ');
    if (!tests.every((test) => holds(entry, test))) return [];
    return [[name, Number(value.startsWith('$') ? at(entry, value) : value)] as const];
  });
  return Object.fromEntries(found);
}
