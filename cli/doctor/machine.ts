import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Problem, Section } from './report.ts';

const GIB = 2 ** 30;
const LEAST_MEMORY = 3 * GIB;
const LEAST_DISK = 2 * GIB;

/** Processor, memory and disk. */
export async function machine(cache: string): Promise<Section> {
  const memory = usableMemory();
  const disk = await freeDisk(cache);
  const problems: Problem[] = [];
  if (memory < LEAST_MEMORY) {
    const what = `There are ${gibibytes(memory)} of memory; a training may need ${gibibytes(LEAST_MEMORY)}.`;
    problems.push({
      needed: false,
      what,
      advice: 'Give the machine or container more memory, or train on smaller batches.',
    });
  }
  if (disk < LEAST_DISK) {
    const what = `The disk of ${cache} has ${gibibytes(disk)} left; the set-up needs ${gibibytes(LEAST_DISK)}.`;
    problems.push({
      needed: false,
      what,
      advice: 'Free some space, or name another folder in KINDRED_CACHE.',
    });
  }
  return {
    title: 'Machine',
    facts: {
      platform: `${process.platform}-${process.arch}`,
      processor: os.cpus()[0]?.model ?? null,
      cores: os.availableParallelism(),
      'vector instructions': vectorInstructions(),
      memory: gibibytes(memory),
      'free memory': gibibytes(os.freemem()),
      'free disk for the cache': gibibytes(disk),
    },
    problems,
  };
}

/** Bytes of memory, or a container's limit where that is lower. */
function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < os.totalmem() ? limit : os.totalmem();
}

/** Bytes that are free where `folder` is or would be made. */
async function freeDisk(folder: string): Promise<number> {
  let existing = path.resolve(folder);
  while (!existsSync(existing)) existing = path.dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  return bavail * bsize;
}

/** The instruction sets that TensorFlow's speed depends on, as Linux names them; empty where they cannot be read. */
function vectorInstructions(): string[] {
  if (!existsSync('/proc/cpuinfo')) return [];
  const flags =
    /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return flags.filter((flag) =>
    /^(avx|avx2|fma|avx512f|avx512_vnni|avx512_bf16|amx_tile|asimd|sve2?|bf16)$/.test(flag),
  );
}

function gibibytes(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
