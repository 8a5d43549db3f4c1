import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compiledProgram } from '../../scripts/setup/compiled.mjs';
import { findCompiler } from '../../scripts/setup/binding.mjs';
import { command } from '../../scripts/setup/command.mjs';
import { findPip } from '../../scripts/setup/pip.mjs';
import { versionOf } from './programs.ts';
import type { Problem, Section } from './report.ts';

const SET_UP = 'Run "npm run setup" in the checkout.';

/** Versions of Kindred, of what it runs on, and of what its set-up needs. */
export async function versions(root: string): Promise<Section> {
  const [npm, python, pip, compiler, sharp] = await Promise.all([
    versionOf('npm', '--version'),
    versionOf('python3', '--version'),
    findPip(),
    compilerVersion(),
    sharpVersions(root),
  ]);
  return {
    title: 'Versions',
    facts: {
      kindred: packageVersion(root, '.'),
      'command line': compiledProgram(root) === undefined ? 'from its sources' : 'compiled',
      node: process.versions.node,
      npm,
      python,
      pip: pip ? `${pip.version} (${pip.call.join(' ')})` : null,
      compiler,
      'tfjs-node': packageVersion(root, 'node_modules/@tensorflow/tfjs-node'),
      sharp: sharp?.['sharp'] ?? null,
      libvips: sharp?.['vips'] ?? null,
    },
    problems: [
      ...(sharp ? [] : [broken('sharp, which decodes pictures, does not load.', SET_UP)]),
      ...(npm ? [] : [notice('npm was not found; the set-up needs it.', 'Install Node together with npm.')]),
      ...(pip
        ? []
        : [
            notice(
              'Python with pip was not found; the set-up fetches TensorFlow with it.',
              'Install python3-pip.',
            ),
          ]),
      ...(compiler
        ? []
        : [
            notice(
              "No C++ compiler was found; the set-up builds TensorFlow's binding with it.",
              'Install g++ or clang++.',
            ),
          ]),
    ],
  };
}

function broken(what: string, advice: string): Problem {
  return { needed: true, what, advice };
}

function notice(what: string, advice: string): Problem {
  return { needed: false, what, advice };
}

function packageVersion(root: string, folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
      version?: unknown;
    };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

async function compilerVersion(): Promise<string | null> {
  try {
    const compiler = await findCompiler();
    return `${await versionOf(compiler, '--version')} (${compiler})`;
  } catch {
    return null;
  }
}

/** Asked in a process of its own: a library that does not fit the machine can end the process that loads it. */
async function sharpVersions(root: string): Promise<Record<string, string> | null> {
  const program = 'process.stdout.write(JSON.stringify(require("sharp").versions))';
  const { ok, stdout } = await command(process.execPath, ['-e', program], { cwd: root });
  return ok ? (JSON.parse(stdout) as Record<string, string>) : null;
}
