/** What a training tells while it runs; the edges print it, store it or send it on. */
export type TrainingProgress =
  | { readonly phase: 'features'; readonly done: number; readonly total: number }
  | { readonly phase: 'mining'; readonly triplets: number; readonly seconds: number }
  | {
      readonly phase: 'training';
      readonly epoch: number;
      readonly epochs: number;
      readonly batch: number;
      readonly batches: number;
      /** Mean over the epoch so far. */
      readonly loss: number;
      /** Share of triplets or pairs that still teach something, over the epoch so far. */
      readonly active: number;
    }
  | {
      readonly phase: 'epoch';
      readonly epoch: number;
      readonly epochs: number;
      readonly loss: number;
      readonly active: number;
      readonly validationLoss: number | null;
      readonly validationAccuracy: number | null;
      readonly seconds: number;
    }
  | { readonly phase: 'note'; readonly text: string }
  /** `part`: which pictures, in a word. */
  | { readonly phase: 'embedding'; readonly part: string; readonly done: number; readonly total: number }
  | { readonly phase: 'publishing' };

export type Report = (progress: TrainingProgress) => void;
