import path from 'node:path';
import { load, readStamp, tfjsNodeFolder } from '../../scripts/setup/tensorflow.mjs';
import { gpuProblems } from './gpu.ts';
import { onnxRuntime } from './onnx-runtime.ts';
import { versionOf } from './programs.ts';
import type { Problem, Section } from './report.ts';

/** What embeds and what trains: whether both load and compute, and on what. */
export async function engine(root: string): Promise<Section> {
  const [answers, trains] = await Promise.all([onnxRuntime(root), tensorflow(root)]);
  const failed = 'failure' in answers;
  return {
    title: 'Engine',
    facts: { 'onnx runtime': failed ? null : answers.version, ...trains.facts },
    problems: [
      ...(failed ? [broken(`ONNX Runtime does not load:\n${answers.failure}`, 'Run "npm run setup".')] : []),
      ...trains.problems,
    ],
  };
}

async function tensorflow(root: string): Promise<Pick<Section, 'facts' | 'problems'>> {
  const folder = tfjsNodeFolder(path.join(root, 'node_modules'));
  const variant = readStamp(folder)?.variant ?? null;
  const [loaded, driver] = await Promise.all([load(folder), versionOf('nvidia-smi')]);
  if (typeof loaded === 'string') {
    const advice =
      'Run "npm run setup" in the checkout; if that does not help, "npm run setup -- --verify --rebuild".';
    return {
      facts: { tensorflow: null, variant, 'nvidia driver': driver },
      problems: [broken(`TensorFlow does not load:\n${loaded}`, advice)],
    };
  }
  return {
    facts: {
      tensorflow: loaded.tensorflow,
      variant,
      'runs on': loaded.gpu ? 'GPU' : 'CPU',
      'nvidia driver': driver,
    },
    problems: gpuProblems({ variant, used: loaded.gpu, driver }),
  };
}

const broken = (what: string, advice: string): Problem => ({ needed: true, what, advice });
