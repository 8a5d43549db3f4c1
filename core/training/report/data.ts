/** The content of a report, as plain data. */
import type { Calibration } from '../../gallery/calibration.ts';
import type { Snapshot } from '../../images/snapshot.ts';
import type { EpochRecord } from '../checkpoint.ts';
import type { TriedDecision } from '../choose-decision.ts';
import type { DataCheck } from '../data-check/index.ts';
import type { Baseline } from '../evaluation/baseline.ts';
import type { Evaluation } from '../evaluation/evaluate.ts';
import type { Examples } from './examples.ts';
import type { Pictures } from './images.ts';

export interface ReportData {
  readonly model: string;
  /** ISO 8601. */
  readonly madeAt: string;
  readonly madeBy: string;
  readonly job: string | null;
  readonly recipe: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  readonly seed: number;
  readonly parameters: { readonly trainable: number; readonly other: number };
  readonly libraries: Readonly<Record<string, string>>;
  readonly engine: Readonly<Record<string, string>>;
  readonly train: ReportedDataSet;
  readonly test: ReportedDataSet | null;
  /** Whether the test pictures are a part of the same data set, and in the gallery by now. */
  readonly heldOut: boolean;
  /** Test pictures that were learnt from, too. */
  readonly shared: number;
  readonly gallery: { readonly pictures: number; readonly classes: number };
  readonly curve: readonly EpochRecord[];
  /** The epoch whose weights were taken; 0: those before training. */
  readonly epoch: number;
  /** How a first attempt to train collapsed; null: it did not. */
  readonly collapse: string | null;
  /** The ways to decide that there was a choice of; none where there was no choice. */
  readonly tried: readonly TriedDecision[];
  /** Since this attempt began. */
  readonly seconds: number;
  /** Null where there was nothing to judge on. */
  readonly evaluation: Evaluation | null;
  readonly baseline: Baseline | null;
  readonly calibration: Calibration | null;
  readonly examples: Examples | null;
  readonly dataCheck: DataCheck | null;
  readonly pictures: Pictures;
}

export interface ReportedDataSet {
  readonly name: string;
  readonly pictures: number;
  readonly classes: number;
  readonly digest: Snapshot['digest'];
}
