import type { Command } from 'commander';
import type { Registry } from '../../core/registry/registry.ts';
import { contextOf } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { bytes, count } from '../output/format.ts';
import { table } from '../output/table.ts';

interface ListedDataSet {
  readonly dataset: string;
  readonly classes: number;
  readonly files: number;
  readonly bytes: number;
}

/** `kindred datasets list`: the data sets in the registry, counted by name and not looked into. */
export function listDataSetsCommand(): Command {
  return command('list', 'list the data sets in the registry').action(async (flags: CommonFlags) => {
    const { terminal, registryUri, ...context } = contextOf(flags);
    const registry = await context.registry();
    const names = await registry.dataSets();
    const datasets = await Promise.all(names.map((name) => describe(registry, name)));
    terminal.json({ datasets });
    if (datasets.length === 0) {
      return terminal.print(
        `There is no data set in ${JSON.stringify(registryUri)}. Put one there: kindred datasets add NAME FOLDER`,
      );
    }
    const columns = [
      { title: 'DATA SET' },
      { title: 'CLASSES', align: 'right' as const },
      { title: 'FILES', align: 'right' as const },
      { title: 'SIZE', align: 'right' as const },
    ];
    const rows = datasets.map((each) => [
      each.dataset,
      count(each.classes),
      count(each.files),
      bytes(each.bytes),
    ]);
    terminal.print(table(columns, rows).trimEnd());
  });
}

async function describe(registry: Registry, dataset: string): Promise<ListedDataSet> {
  const { placeOf } = await import('../../core/images/layout.ts');
  const prefix = registry.dataSetPrefix(dataset);
  const classes = new Set<string>();
  let [files, size] = [0, 0];
  for await (const listed of registry.store.list(prefix)) {
    const place = placeOf(listed.key.slice(prefix.length));
    if (place === 'ignored' || 'problem' in place) continue;
    classes.add(place.className);
    files++;
    size += listed.size;
  }
  return { dataset, classes: classes.size, files, bytes: size };
}
