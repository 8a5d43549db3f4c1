import { fileURLToPath } from 'node:url';
import { readStamp, tfjsNodeFolder } from '../../scripts/setup/tensorflow.mjs';
import { gpuProblems } from '../doctor/gpu.ts';
import { versionOf } from '../doctor/programs.ts';
import type { Terminal } from '../output/terminal.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/**
 * Says that the training computes on a GPU, or why it does not although there is one, or was to be one. Says nothing where nobody
 * expects one. Loads TensorFlow.
 */
export async function noteDevice(terminal: Terminal): Promise<void> {
  const { describeEngine } = await import('../../core/network/engine.ts');
  const used = describeEngine()['device'] === 'GPU';
  const variant = readStamp(tfjsNodeFolder(MODULES))?.variant ?? null;
  if (used) return terminal.note('Computing on the GPU.');
  for (const { what, advice } of gpuProblems({ variant, used, driver: await versionOf('nvidia-smi') })) {
    terminal.note(`Computing on the processor. ${what} ${advice}`);
  }
}
