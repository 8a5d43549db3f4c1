import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Random } from '../core/random.ts';
import type { StepBatch } from './kindred-step.ts';

const MAP = 7 * 7 * 2048;
const TRIPLETS = 32;

/** The batches of a step measurement, read by both sides from the same file. */
export interface Plan {
  readonly margin: number;
  readonly batches: readonly StepBatch[];
}

/** Where both sides find their work. */
export interface WorkFiles {
  /** .npy, float32 [pictures, 7, 7, 2048]. */
  readonly features: string;
  /** A Plan as JSON. */
  readonly plan: string;
}

/** 32 triplets over `pictures` (32 to 96) distinct pictures, each of them used. */
export function planOf(pictures: number, margin: number): Plan {
  const triplets = Array.from({ length: TRIPLETS }, (_, t): [number, number, number] => {
    const anchor = Math.floor((t * pictures) / TRIPLETS);
    return [anchor, (anchor + 1) % pictures, (anchor + 2) % pictures];
  });
  return { margin, batches: [{ rows: Array.from({ length: pictures }, (_, i) => i), triplets }] };
}

/** Writes maps as a ReLU leaves them, half of them 0 (the speed does not depend on what the pictures are). */
export async function writeFeatures(file: string, pictures: number): Promise<void> {
  const random = new Random(1);
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${pictures}, 7, 7, 2048), }`;
  const start = Buffer.alloc(128, ' ');
  start.write('\x93NUMPY\x01\x00', 'latin1');
  start.writeUInt16LE(118, 8);
  start.write(header, 10, 'latin1');
  start.write('\n', 127, 'latin1');
  const values = Float32Array.from({ length: pictures * MAP }, () => Math.max(0, random.float() * 4 - 2));
  const out = await open(file, 'w');
  try {
    await out.write(start);
    await out.writeFile(new Uint8Array(values.buffer));
  } finally {
    await out.close();
  }
}

/** The values of a file that `writeFeatures` wrote. */
export async function readFeatures(file: string): Promise<Float32Array> {
  const bytes = await readFile(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.byteLength));
}

/** Writes the work of one step measurement into a folder. */
export async function writeWork(folder: string, pictures: number, margin: number): Promise<WorkFiles> {
  const files = {
    features: path.join(folder, `${pictures}.npy`),
    plan: path.join(folder, `${pictures}.json`),
  };
  await writeFeatures(files.features, pictures);
  await writeFile(files.plan, JSON.stringify(planOf(pictures, margin)));
  return files;
}
