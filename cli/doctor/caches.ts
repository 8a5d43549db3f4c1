import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { backboneWeightsFile } from '../../core/cache.ts';
import { bindingKey } from '../../scripts/setup/binding.mjs';
import { entryProblem } from '../../scripts/setup/entry.mjs';
import { libraryFolder } from '../../scripts/setup/tensorflow-library.mjs';
import { readStamp, tfjsNodeFolder } from '../../scripts/setup/tensorflow.mjs';
import { weightsProblem } from '../../scripts/setup/weights.mjs';
import type { Fact, Problem, Section } from './report.ts';

/** What the set-up keeps outside the checkout: where it is, how large, and whether it is whole (by size). */
export async function caches(cache: string, root: string): Promise<Section> {
  const weights = backboneWeightsFile(cache);
  const entries = [
    ...tensorflowEntries(cache, path.join(root, 'node_modules')),
    { name: 'pretrained weights', place: weights, wrong: await weightsProblem(weights, false), needed: true },
  ];
  const facts: Record<string, Fact> = { folder: cache };
  for (const { name, place, wrong } of entries) {
    facts[name] = { state: wrong ?? 'complete', bytes: bytesOf(place), path: place };
  }
  return { title: 'Caches', facts, problems: entries.flatMap(problemOf) };
}

interface Entry {
  readonly name: string;
  readonly place: string;
  readonly wrong: string | undefined;
  /** What is linked into the checkout already is judged by whether it loads; the weights are read from the cache each time. */
  readonly needed: boolean;
}

/** None where tfjs-node came with a binding of its own, which is used as found. */
function tensorflowEntries(cache: string, modules: string): Entry[] {
  const folder = tfjsNodeFolder(modules);
  const stamp = readStamp(folder);
  if (!existsSync(folder) || stamp?.key === 'as found') return [];
  const variant = stamp?.variant ?? 'cpu';
  const platform = `${process.platform}-${process.arch}`;
  const library = libraryFolder(cache, platform, variant);
  const binding = path.join(cache, 'binding', bindingKey({ cache, modules, platform, variant }));
  return [
    { name: 'TensorFlow library', place: library, wrong: entryProblem(library), needed: false },
    { name: 'TensorFlow binding', place: binding, wrong: entryProblem(binding), needed: false },
  ];
}

function problemOf({ name, place, wrong, needed }: Entry): Problem[] {
  if (wrong === undefined) return [];
  return [{ needed, what: `${name}: ${wrong} (${place}).`, advice: 'Run "npm run setup" in the checkout.' }];
}

function bytesOf(place: string): number {
  if (!existsSync(place)) return 0;
  if (!statSync(place).isDirectory()) return statSync(place).size;
  const files = readdirSync(place, { recursive: true }).map((name) =>
    statSync(path.join(place, String(name))),
  );
  return files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}
