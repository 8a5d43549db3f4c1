import path from 'node:path';
import { load, readStamp, tfjsNodeFolder } from '../../scripts/setup/tensorflow.mjs';
import { versionOf } from './programs.ts';
import type { Problem, Section } from './report.ts';

/** TensorFlow: whether it loads and computes, and on what. */
export async function engine(root: string): Promise<Section> {
  const folder = tfjsNodeFolder(path.join(root, 'node_modules'));
  const variant = readStamp(folder)?.variant ?? null;
  const [loaded, driver] = await Promise.all([load(folder), versionOf('nvidia-smi')]);
  if (typeof loaded === 'string') {
    const advice =
      'Run "npm run setup" in the checkout; if that does not help, "npm run setup -- --verify --rebuild".';
    const problem = { needed: true, what: `TensorFlow does not load:\n${loaded}`, advice };
    return {
      title: 'Engine',
      facts: { tensorflow: null, variant, 'nvidia driver': driver },
      problems: [problem],
    };
  }
  return {
    title: 'Engine',
    facts: {
      tensorflow: loaded.tensorflow,
      variant,
      'runs on': loaded.gpu ? 'GPU' : 'CPU',
      'nvidia driver': driver,
    },
    problems: gpuProblems(variant, loaded.gpu, driver),
  };
}

function gpuProblems(variant: string | null, gpu: boolean, driver: string | null): Problem[] {
  if (variant === 'gpu' && !gpu) {
    const what = 'TensorFlow for GPUs is installed, but no GPU is visible to it.';
    const advice =
      'Check the driver with "nvidia-smi", or go back to the processor with "npm run setup -- --cpu".';
    return [{ needed: false, what, advice }];
  }
  if (variant !== 'gpu' && driver !== null) {
    const what = 'There is an NVIDIA GPU that is not used.';
    return [{ needed: false, what, advice: 'To use it, run "npm run setup -- --gpu".' }];
  }
  return [];
}
