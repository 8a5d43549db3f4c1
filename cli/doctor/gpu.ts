import type { Problem } from './report.ts';

/** What is known of the machine's GPU. */
export interface GpuFacts {
  /** "cpu" or "gpu": which TensorFlow the set-up put into this checkout; null where it did not. */
  readonly variant: string | null;
  /** Whether TensorFlow computes on one. */
  readonly used: boolean;
  /** The version of NVIDIA's driver; null where there is none. */
  readonly driver: string | null;
}

/** Why a GPU is not used that there is, or was to be. */
export function gpuProblems({ variant, used, driver }: GpuFacts): Problem[] {
  if (variant === 'gpu' && !used) {
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
