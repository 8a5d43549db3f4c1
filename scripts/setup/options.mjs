/** The flags and variables of the set-up. */
import { UsageError } from './errors.mjs';

export const USAGE = `Usage: npm run setup -- [options]

Installs the npm packages, TensorFlow and the pretrained weights, each only when it is not there yet.

  --gpu      use TensorFlow for NVIDIA GPUs (CUDA 12, linux x64 only); remembered by this checkout
  --cpu      use TensorFlow for CPUs again
  --verify   also check the SHA-256 of everything in the cache, not only the sizes
  --rebuild  build TensorFlow's binding again
  --help     print this

Variables: KINDRED_CACHE (folder that is shared by all checkouts), KINDRED_TENSORFLOW (cpu or gpu).`;

/**
 * @typedef {object} Options
 * @property {'cpu' | 'gpu' | undefined} variant undefined: as before
 * @property {boolean} verify
 * @property {boolean} rebuild
 * @property {boolean} help
 */

const FLAGS = ['--gpu', '--cpu', '--verify', '--rebuild', '--help'];

/**
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Options}
 */
export function parseOptions(args, environment) {
  const unknown = args.find((arg) => !FLAGS.includes(arg));
  if (unknown) throw new UsageError(`Unknown option "${unknown}". Known: ${FLAGS.join(', ')}.`);
  if (args.includes('--gpu') && args.includes('--cpu'))
    throw new UsageError('Give --gpu or --cpu, not both.');
  return {
    variant: args.includes('--gpu') ? 'gpu' : args.includes('--cpu') ? 'cpu' : variantFrom(environment),
    verify: args.includes('--verify'),
    rebuild: args.includes('--rebuild'),
    help: args.includes('--help'),
  };
}

/** @param {Readonly<Record<string, string | undefined>>} environment */
function variantFrom(environment) {
  const value = environment['KINDRED_TENSORFLOW'];
  if (!value) return undefined;
  if (value === 'cpu' || value === 'gpu') return value;
  throw new UsageError(`KINDRED_TENSORFLOW is "${value}"; allowed are "cpu" and "gpu".`);
}
