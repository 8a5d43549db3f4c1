import type { Command } from 'commander';
import { NotFoundError } from '../../core/errors.ts';
import type { Comparison } from '../../core/promotion/compare.ts';
import type { Resolved } from '../../core/registry/registry.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { checkedReference } from '../models.ts';
import { counted, percent, points, probability } from '../output/format.ts';
import { table } from '../output/table.ts';
import type { Terminal } from '../output/terminal.ts';

interface Flags extends CommonFlags {
  readonly on?: string;
}

/** `kindred models compare A B`: two versions asked about the same pictures. */
export function compareCommand(): Command {
  return command('compare', 'ask two versions about the same pictures')
    .argument('<a>', 'NAME, NAME@ALIAS or NAME@N')
    .argument('<b>', 'NAME, NAME@ALIAS or NAME@N')
    .option('--on <dataset>', 'these pictures (default: those that the newer version was judged on)')
    .action(async (a: string, b: string, flags: Flags) => {
      const context = contextOf(flags);
      const registry = await context.registry();
      const first = await registry.resolve(await checkedReference(a));
      const second = await registry.resolve(await checkedReference(b));
      const comparison = await compare(context, { first, second }, flags.on);
      context.terminal.json(comparison);
      print(context.terminal, comparison);
    });
}

type Two = { readonly first: Resolved; readonly second: Resolved };

async function compare(context: Context, two: Two, on: string | undefined): Promise<Comparison> {
  const [{ compareVersions }, { openVersion }, { comparedPictures }, { stoppable }] = await Promise.all([
    import('../../core/promotion/compare.ts'),
    import('../../core/registry/open-version.ts'),
    import('../pictures/compared.ts'),
    import('../stopping.ts'),
  ]);
  const registry = await context.registry();
  const newer = await newerOf(context, two);
  const pictures = await comparedPictures(context, newer, on);
  if (pictures === null) {
    throw new NotFoundError(
      `The pictures that ${newer.model}@${newer.version} was judged on are not to be found. Name others with --on DATASET.`,
    );
  }
  const first = await openVersion(registry, two.first);
  const second = await openVersion(registry, two.second);
  try {
    return await stoppable(context, async (talk) =>
      compareVersions(registry, { first, second }, pictures, talk),
    );
  } finally {
    first.embedder.dispose();
    second.embedder.dispose();
  }
}

async function newerOf(context: Context, { first, second }: Two): Promise<Resolved> {
  const registry = await context.registry();
  const [a, b] = await Promise.all(
    [first, second].map(async ({ model, version }) => registry.manifest(model, version)),
  );
  return (a?.createdAt ?? '') >= (b?.createdAt ?? '') ? first : second;
}

const SHOWN = 20;
const right = { align: 'right' as const };

function print({ print: line }: Terminal, comparison: Comparison): void {
  const { images, leftOut, paired } = comparison;
  const [a, b] = [comparison.first, comparison.second].map(({ model, version }) => `${model}@${version}`);
  const [nameA, nameB] = [a ?? '', b ?? ''];
  line(`${counted(images, 'picture')} asked${leftOutText(leftOut)}.`);
  if (paired === null) return line('No picture is left to compare on; name others with --on DATASET.');
  const rows = [comparison.first, comparison.second].map((side, i) => [
    [nameA, nameB][i] ?? '',
    String(side.right),
    percent(side.accuracy ?? 0),
  ]);
  line(
    `\n${table([{ title: 'VERSION' }, { title: 'RIGHT', ...right }, { title: 'ACCURACY', ...right }], rows)}`,
  );
  const { difference, interval, p, onlyFirst, onlySecond } = paired;
  line(
    `Difference ${points(difference)} points (95 % interval ${points(interval.low)} to ${points(interval.high)}; ` +
      `exact McNemar ${probability(p)}): ${onlyFirst} right only by ${nameA}, ${onlySecond} only by ${nameB}.`,
  );
  printClasses(line, comparison, [nameA, nameB]);
  printChanged(line, comparison, [nameA, nameB]);
}

type Line = Terminal['print'];

function leftOutText({ trained, unreadable }: Comparison['leftOut']): string {
  const parts = [
    trained === 0 ? '' : `${trained} left out that one of the versions was trained on`,
    unreadable === 0 ? '' : `${unreadable} that cannot be read`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

function printClasses(line: Line, { perClass }: Comparison, [a, b]: readonly [string, string]): void {
  const changed = perClass.filter(({ first, second }) => first !== second);
  if (changed.length === 0) return line('\nNo class has more or fewer right.');
  const columns = [
    { title: 'CLASS' },
    { title: 'PICTURES', ...right },
    { title: a, ...right },
    { title: b, ...right },
  ];
  const rows = changed.map((one) => [one.class, ...[one.images, one.first, one.second].map(String)]);
  line(`\n${table(columns, rows).trimEnd()}`);
}

function printChanged(line: Line, { changed }: Comparison, [a, b]: readonly [string, string]): void {
  if (changed.length === 0) return line('\nEvery picture is told the same.');
  const columns = [{ title: 'PICTURE' }, { title: a }, { title: b }];
  const rows = changed.slice(0, SHOWN).map(({ key, first, second }) => [key, marked(first), marked(second)]);
  line(`\n${table(columns, rows).trimEnd()}`);
  if (changed.length > SHOWN) line(`and ${counted(changed.length - SHOWN, 'picture')} more; --json has all.`);
}

const marked = ({ class: told, right: isRight }: Comparison['changed'][number]['first']): string =>
  isRight ? `${told} (right)` : told;
