import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDataSet } from '../../../core/images/open-dataset.ts';
import type { DataSet } from '../../../core/images/dataset.ts';
import type { Resume, TrainingContext, TrainingData } from '../../../core/pipeline/context.ts';
import type { LocalBackbone } from '../../../core/network/backbones/backbone.ts';
import { resnet50 } from '../../../core/network/backbones/resnet50.ts';
import { createJob } from '../../../core/jobs/job.ts';
import type { TrainingJob } from '../../../core/jobs/job.ts';
import type { TrainingRequest } from '../../../core/pipeline/request.ts';
import type { TrainingResult } from '../../../core/jobs/result.ts';
import { runTraining } from '../../../core/jobs/train.ts';
import type { FileSource } from '../../../core/registry/publish.ts';
import { openRegistry } from '../../../core/registry/registry.ts';
import type { Registry } from '../../../core/registry/registry.ts';
import { fsStore } from '../../../core/storage/fs.ts';
import type { ObjectStore } from '../../../core/storage/store.ts';
import { backbonePath } from '../../support/backbone.ts';

const SAMPLES = fileURLToPath(new URL('../../../samples/clothing10/', import.meta.url));
const CLASSES = ['hat', 'pants', 'shoes'];

/** Trainings of a second or two: tiny pictures, few steps, a learning rate that changes something. */
export const OPTIONS: Readonly<Record<string, TrainingRequest['options']>> = {
  siamese: { size: 64, epochs: 2, batchSize: 6, learningRate: 1e-4 },
  metric: {
    size: 64,
    scales: [1],
    dimensions: 8,
    classes: 3,
    pictures: 2,
    epochs: 2,
    stepsPerEpoch: 2,
    learningRate: 1e-4,
    caution: 0,
    enough: 0,
    patience: 100,
  },
};

/** Where an attempt differs from the usual one. */
export interface Attempt {
  readonly resume?: Resume;
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly report?: TrainingContext['report'];
  readonly check?: boolean;
  /** @default ResNet50 */
  readonly backbone?: LocalBackbone;
  /** Another way to the same store. */
  readonly store?: ObjectStore;
}

/** A folder with pictures, a registry and everything that trainings need. */
export class Place {
  readonly folder: string;
  readonly registry: Registry;

  /** @param folder of another process' place @default a new one */
  constructor(folder = newFolder()) {
    this.folder = folder;
    this.registry = openRegistry(fsStore(this.in('registry')));
  }

  get store(): ObjectStore {
    return this.registry.store;
  }

  in(name: string): string {
    return path.join(this.folder, name);
  }

  pictures(part: 'train' | 'test'): Promise<DataSet> {
    return openDataSet(fsStore(this.in(part)), '', { name: part });
  }

  newJob(recipe: string, changes: Partial<TrainingRequest> = {}): Promise<TrainingJob> {
    const { options, ...others } = changes;
    return createJob(this.store, {
      dataSet: 'train',
      testSet: null,
      holdOut: 0,
      model: 'clothes',
      recipe,
      options: { ...OPTIONS[recipe], ...options },
      seed: 1,
      promote: true,
      ...others,
    });
  }

  async train(
    job: TrainingJob,
    attempt: Attempt = {},
    data: Partial<TrainingData> = {},
  ): Promise<TrainingResult> {
    const {
      store = this.store,
      report = () => undefined,
      checkpointSeconds = 1000,
      signal,
      check = true,
      backbone = { ...resnet50, file: backbonePath() },
    } = attempt;
    return runTraining(
      job,
      { train: await this.pictures('train'), test: null, heldOut: false, ...data },
      {
        registry: openRegistry(store),
        backbone,
        featuresFolder: this.in('features'),
        scratch: this.in('scratch'),
        libraries: { node: process.versions.node },
        createdBy: 'a test',
        checkpointSeconds,
        check,
        signal,
        report,
      },
      attempt.resume ?? 'continue',
    );
  }

  /** SHA-256 of a version's network. */
  async weights(version: number, model = 'clothes'): Promise<string | undefined> {
    return (await this.registry.manifest(model, version)).files['embedding.onnx']?.sha256;
  }

  /** Files of version 1 of "clothes", to be published again. */
  async files(names?: readonly string[]): Promise<Record<string, FileSource>> {
    const { files } = await this.registry.manifest('clothes', 1);
    const sources: Record<string, FileSource> = {};
    for (const name of names ?? Object.keys(files)) {
      const { blob, sha256 = '' } = files[name] ?? {};
      sources[name] = blob
        ? { file: path.join(this.in('registry'), 'blobs', sha256), blob }
        : await this.registry.file('clothes', 1, name);
    }
    return sources;
  }

  async keys(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(prefix)) keys.push(key.slice(prefix.length));
    return keys;
  }

  /** The files of versions that there are but should not be as they are. */
  async damage(): Promise<string[]> {
    const problems: string[] = [];
    for (const model of await this.registry.models()) {
      for (const version of await this.registry.versions(model)) {
        for (const { file, reason } of await this.registry.verify(model, version)) {
          problems.push(`${model}@${version} ${file} ${reason}`);
        }
      }
    }
    return problems;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function newFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-jobs-'));
  for (const name of ['features', 'scratch']) mkdirSync(path.join(folder, name));
  copyPictures(folder, 'train', 4);
  copyPictures(folder, 'test', 2);
  return folder;
}

function copyPictures(folder: string, part: 'train' | 'test', count: number): void {
  for (const name of CLASSES) {
    const from = path.join(SAMPLES, part, name);
    const to = path.join(folder, part, name);
    mkdirSync(to, { recursive: true });
    for (const file of readdirSync(from).toSorted().slice(0, count)) {
      cpSync(path.join(from, file), path.join(to, file));
    }
  }
}
