/** What a training is given by whoever runs it. */
import type { DataSet } from '../images/dataset.ts';
import type { SamePicture } from '../images/same-picture.ts';
import type { LocalBackbone } from '../network/backbones/backbone.ts';
import type { Registry } from '../registry/registry.ts';
import type { Report } from '../training/progress.ts';

export interface TrainingContext {
  readonly registry: Registry;
  readonly backbone: LocalBackbone;
  /** Local folder for features; trainings share it. */
  readonly featuresFolder: string;
  /** How many bytes of features to keep there. @default see core/training/feature-cache.ts */
  readonly featuresBytes?: number | undefined;
  /** Local folder for files on their way. */
  readonly scratch: string;
  /** Versions of what takes part, for the manifest. */
  readonly libraries: Readonly<Record<string, string>>;
  readonly createdBy: string;
  /** Where this process works, see owner.ts. @default this machine's name */
  readonly place?: string | undefined;
  /** See owner.ts. @default false */
  readonly unattended?: boolean | undefined;
  readonly checkpointSeconds: number;
  /** Whether to check the data for faults first. @default true */
  readonly check?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly report: Report;
}

/** A dataset of the registry that a version's gallery follows. */
export interface Followed {
  readonly dataset: string;
  /** The last change of the model's gallery when the dataset was listed; null: there was none. */
  readonly position: string | null;
}

export interface TrainingData {
  /** What is learnt from. */
  readonly train: DataSet;
  /** What it is judged on. */
  readonly test: DataSet | null;
  /** Whether the test pictures were held out of the data set, and join the gallery once they have judged. */
  readonly heldOut: boolean;
  /** Files that show the same picture, as far as that is known; what one of them is asked for, the others must not tell. */
  readonly same?: readonly SamePicture[];
  /** Where `train` comes from; null or absent: a folder, or a dataset elsewhere, which no gallery follows. */
  readonly followed?: Followed | null;
}

/** Whether to begin anew, to go on from the job's checkpoint, or to publish the best epoch in it instead of training on. */
export type Resume = 'no' | 'continue' | 'best';
