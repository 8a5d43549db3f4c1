import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { median } from './results.ts';
import type { HeadKind, StepResult } from './results.ts';
import { kindredSteps, torchSteps } from './sides.ts';
import { table } from './table.ts';
import { writeWork } from './work.ts';

/** Every round of one size of batch and one head; Kindred's is empty while it is not wired. */
export interface StepRounds {
  readonly head: HeadKind;
  /** Distinct pictures in a batch. */
  readonly pictures: number;
  readonly keepMemory: boolean;
  /** By the way torch was run. */
  readonly torch: Readonly<Record<string, readonly StepResult[]>>;
  readonly kindred: readonly StepResult[];
}

export interface StepsOptions {
  readonly python: string;
  readonly weights: string;
  /** A folder for the work files. */
  readonly scratch: string;
  readonly pictures: readonly number[];
  readonly heads: readonly string[];
  readonly ways: readonly string[];
  readonly rounds: number;
  /** Both sides run with glibc told to keep the memory that a step frees, in huge pages. */
  readonly keepMemory: boolean;
  /** What PyTorch computes on. @default cpu */
  readonly device?: 'cpu' | 'cuda';
}

/** Large tensors are otherwise given back to the system after each step and page in again, about 15 % of PyTorch's step. */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 33),
  MALLOC_TOP_PAD_: String(2 ** 28),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
};

const MARGIN = 0.5;
const RUN = { warmup: 2, steps: 8, learningRate: 1e-6 };

function headKind(name: string): HeadKind {
  if (name === 'flatten' || name === 'pooled') return name;
  throw new RangeError(`--heads: got "${name}", allowed are flatten and pooled`);
}

/** Training steps of every head and batch size, the sides in turn. */
export async function measureSteps(options: StepsOptions): Promise<StepRounds[]> {
  const all: StepRounds[] = [];
  for (const head of options.heads.map(headKind)) {
    for (const pictures of options.pictures) all.push(await measureOne(options, head, pictures));
  }
  return all;
}

async function measureOne(options: StepsOptions, head: HeadKind, pictures: number): Promise<StepRounds> {
  const folder = path.join(options.scratch, String(pictures));
  await mkdir(folder, { recursive: true });
  const files = await writeWork(folder, pictures, MARGIN);
  const work = { ...RUN, weights: options.weights, head };
  const torch = Object.fromEntries(options.ways.map((way): [string, StepResult[]] => [way, []]));
  const environment = options.keepMemory ? KEEP_MEMORY : {};
  const { device = 'cpu' } = options;
  const ours: StepResult[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    process.stderr.write(`steps, ${head}, ${pictures} pictures, round ${round} of ${options.rounds}\n`);
    for (const way of options.ways)
      torch[way]?.push(await torchSteps(options.python, { ...work, device }, files, way, environment));
    ours.push(await kindredSteps(work, files, environment));
  }
  return { head, pictures, keepMemory: options.keepMemory, torch, kindred: ours };
}

/** Seconds a step: the middle of all timed steps of all rounds. */
function middle(rounds: readonly StepResult[]): number {
  return median(rounds.flatMap((result) => result.seconds));
}

export function stepsTable(all: readonly StepRounds[]): string {
  const rows = all.map((one) => {
    const ways = Object.entries(one.torch).map(([way, rounds]): [string, number] => [way, middle(rounds)]);
    const [way, theirs] = ways.reduce((best, next) => (next[1] < best[1] ? next : best));
    const start = [one.head, String(one.pictures), `${theirs.toFixed(3)} (${way})`];
    const ours = middle(one.kindred);
    return [...start, ours.toFixed(3), (theirs / ours).toFixed(2), lossGap(one)];
  });
  return table([
    ['head', 'pictures', 'PyTorch', 'Kindred', 'times as fast (goal: 1)', 'loss differs by'],
    ...rows,
  ]);
}

/** The largest relative difference of the losses in the first three steps: the sides must do the same work. */
function lossGap(one: StepRounds): string {
  const theirs = Object.values(one.torch)[0]?.[0]?.losses ?? [];
  const ours = one.kindred[0]?.losses ?? [];
  const gaps = theirs.slice(0, 3).map((loss, i) => Math.abs(loss - (ours[i] ?? NaN)) / Math.max(loss, 1e-6));
  return `${(100 * Math.max(...gaps)).toFixed(2)} %`;
}
