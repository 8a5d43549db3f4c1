/** What a version answers from at one moment; a change of its gallery makes another one. */
import type { Calibration } from '../../core/gallery/calibration.ts';
import type { Estimates } from '../../core/gallery/candidates.ts';
import { openCoarse } from '../../core/gallery/coarse.ts';
import type { Coarse } from '../../core/gallery/coarse.ts';
import { createDecider } from '../../core/gallery/decision.ts';
import type { Decider, DecisionOptions } from '../../core/gallery/decision.ts';
import { compareText } from '../../core/gallery/gallery.ts';
import type { Gallery } from '../../core/gallery/gallery.ts';
import { createSearch } from '../../core/gallery/search.ts';
import type { Search } from '../../core/gallery/search.ts';
import type { GalleryState } from '../../core/gallery/state.ts';

export interface Knowledge {
  readonly gallery: Gallery;
  readonly state: GalleryState;
  readonly calibration: Calibration | null;
  readonly decide: (options: DecisionOptions) => Decider;
  /** What makes a decision about this embedding fast; undefined where it is fast without, or that cannot be had. */
  readonly estimates: (embedding: Float32Array) => Promise<Estimates | undefined>;
  /** Gives memory back; decisions are as right afterwards, and slower. */
  close(): void;
}

/** Prepared deciders, by their options. */
const REMEMBERED = 16;

/** Numbers in a gallery from which on going through it takes longer than asking a thread: some two milliseconds. */
const LARGE = 2 ** 21;

/** @param onTrouble gets the error when a thread cannot be started */
export function knowledgeOf(
  gallery: Gallery,
  state: GalleryState,
  calibration: Calibration | null,
  onTrouble: (error: unknown) => void,
): Knowledge {
  const search = createSearch(gallery);
  const decide = rememberedDeciders(search, calibration);
  if (gallery.embeddings.length < LARGE) {
    return {
      gallery,
      state,
      calibration,
      decide,
      estimates: () => Promise.resolve(undefined),
      close: () => undefined,
    };
  }
  return { gallery, state, calibration, decide, ...coarsely(gallery, onTrouble) };
}

/** The gallery's products with embeddings, about, as soon as a thread can give them. */
function coarsely(
  gallery: Gallery,
  onTrouble: (error: unknown) => void,
): Pick<Knowledge, 'estimates' | 'close'> {
  let ready: Coarse | null = null;
  let closed = false;
  const open = async (): Promise<void> => {
    const coarse = await openCoarse(gallery);
    if (closed) coarse.close();
    else ready = coarse;
  };
  open().catch(onTrouble);
  return {
    async estimates(embedding) {
      try {
        return await ready?.estimates(embedding);
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
