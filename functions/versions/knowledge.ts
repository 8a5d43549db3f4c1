/** What a version knows at one moment; a change of its gallery makes another one. */
import { openMatrixProduct } from '../../core/embedding/matrix-product.ts';
import type { MatrixProduct } from '../../core/embedding/matrix-product.ts';
import type { Calibration } from '../../core/gallery/calibration.ts';
import type { GalleryLog } from '../../core/gallery/carry-over.ts';
import { createDecider } from '../../core/gallery/decision.ts';
import type { Decider, DecisionOptions } from '../../core/gallery/decision.ts';
import { compareText } from '../../core/gallery/gallery.ts';
import type { Gallery } from '../../core/gallery/gallery.ts';
import { createSearch } from '../../core/gallery/search.ts';
import type { Search } from '../../core/gallery/search.ts';
import { applySegments } from '../../core/gallery/segments.ts';

export interface Knowledge {
  readonly gallery: Gallery;
  readonly calibration: Calibration | null;
  readonly decide: (options: DecisionOptions) => Decider;
  /** What makes a decision about this embedding fast; undefined where it is fast without, or that cannot be had. */
  readonly products: (embedding: Float32Array) => Promise<Float32Array | undefined>;
  /** Gives memory back; decisions are as right afterwards, and slower. */
  close(): void;
}

/** Prepared deciders, by their options. */
const REMEMBERED = 16;

/** Numbers in a gallery from which on going through it takes longer than asking a thread: some two milliseconds. */
const LARGE = 2 ** 21;

/** @param onTrouble is told when a thread cannot be had */
export function knowledgeOf(
  { made, segments }: GalleryLog,
  calibration: Calibration | null,
  onTrouble: (error: unknown) => void,
): Knowledge {
  const gallery = applySegments(made, segments);
  const search = createSearch(gallery);
  const decide = rememberedDeciders(search, calibration);
  if (gallery.embeddings.length < LARGE) {
    return {
      gallery,
      calibration,
      decide,
      products: () => Promise.resolve(undefined),
      close: () => undefined,
    };
  }
  return { gallery, calibration, decide, ...fastProducts(gallery, onTrouble) };
}

/** The gallery's products with embeddings, as soon as a thread has the gallery. */
function fastProducts(
  { embeddings, dimensions }: Gallery,
  onTrouble: (error: unknown) => void,
): Pick<Knowledge, 'products' | 'close'> {
  let ready: MatrixProduct | null = null;
  let closed = false;
  const open = async (): Promise<void> => {
    const product = await openMatrixProduct(embeddings, dimensions);
    if (closed) product.close();
    else ready = product;
  };
  open().catch(onTrouble);
  return {
    async products(embedding) {
      try {
        return await ready?.products(embedding);
      } catch (error) {
        if (!closed) onTrouble(error);
        ready = null;
        return undefined;
      }
    },
    close() {
      closed = true;
      ready?.close();
      ready = null;
    },
  };
}

function rememberedDeciders(search: Search, calibration: Calibration | null): Knowledge['decide'] {
  const known = new Map<string, Decider>();
  return (options) => {
    const asked = JSON.stringify(Object.entries(options).toSorted(([a], [b]) => compareText(a, b)));
    const decide = known.get(asked) ?? createDecider(search, { ...options, calibration });
    known.delete(asked);
    known.set(asked, decide);
    const [oldest] = known.keys();
    if (known.size > REMEMBERED && oldest !== undefined) known.delete(oldest);
    return decide;
  };
}
