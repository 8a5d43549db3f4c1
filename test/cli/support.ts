import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../core/cache.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const SAMPLES = path.join(ROOT, 'samples', 'clothing10');
const PROGRAM = path.join(ROOT, 'bin', 'kindred.mjs');

/** A training of a second or two: tiny pictures, few steps. */
export const FAST = Object.entries({
  size: 64,
  scales: 1,
  dimensions: 16,
  classes: 3,
  pictures: 2,
  stepsPerEpoch: 2,
  epochs: 1,
}).flatMap(([name, value]) => ['--option', `${name}=${value}`]);

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** Without the two lines that TensorFlow's library itself writes when it is loaded. */
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What is on stderr so far. */
  readonly told: () => string;
  readonly ended: Promise<Outcome>;
}

/** A folder to work in, with a cache of its own that has the pretrained weights. */
export class Workplace {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-cli-'));
  readonly #running = new Set<ChildProcess>();

  constructor() {
    const real = cacheFolder(process.env, os.homedir(), process.platform);
    mkdirSync(this.in('cache'));
    symlinkSync(path.join(real, 'weights'), this.in('cache', 'weights'));
    mkdirSync(this.in('tmp'));
  }

  in(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Ends what still runs, and removes the folder. */
  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Some classes of the samples as a data set of its own; `from`: which pictures of each. */
  dataSet(
    name: string,
    { classes = ['hat', 'pants', 'shoes'], part = 'train', from = 0, count = 4 } = {},
  ): string {
    for (const className of classes) {
      const source = path.join(SAMPLES, part, className);
      mkdirSync(this.in(name, className), { recursive: true });
      for (const file of readdirSync(source)
        .toSorted()
        .slice(from, from + count)) {
        cpSync(path.join(source, file), this.in(name, className, file));
      }
    }
    return this.in(name);
  }

  /** Starts `kindred` in the folder. */
  start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Running {
    const { KINDRED_REGISTRY: _, NO_COLOR: __, ...inherited } = process.env;
    const env = { ...inherited, KINDRED_CACHE: this.in('cache'), TMPDIR: this.in('tmp'), ...environment };
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => {
        this.#running.delete(child);
        resolve({ status, stdout, stderr: withoutLibraryNotes(stderr) });
      });
    });
    return { child, told: () => stderr, ended };
  }

  /** Runs `kindred` in the folder to its end. */
  run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return this.start(args, environment).ended;
  }

  /** Runs it with --json and gives what it says. @throws with the messages when it fails */
  async json<T = Record<string, unknown>>(args: readonly string[]): Promise<T> {
    const { status, stdout, stderr } = await this.run([...args, '--json']);
    if (status !== 0) throw new Error(`kindred ${args.join(' ')} ended with ${status}:\n${stderr}`);
    return JSON.parse(stdout) as T;
  }
}

function withoutLibraryNotes(text: string): string {
  return text.replace(/^(WARNING: All log messages before absl.*|[IW]0000 .*)\n/gm, '');
}
