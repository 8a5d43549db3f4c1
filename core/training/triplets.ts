/** Triplets as three index arrays of one length into the rows of a batch: (anchors[t], positives[t], negatives[t]). */
export interface Triplets {
  readonly anchors: Int32Array;
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
}
