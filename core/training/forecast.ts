/** How long a training will take, told from what it has to compute and how fast this machine does that. */
import type { Picture } from '../images/dataset.ts';
import { decodePictures } from '../images/decode-pictures.ts';
import type { Pixels, Preprocessing } from '../images/pixels.ts';
import { PIXELS } from '../network/graph.ts';
import type { Network } from '../network/network.ts';
import { pixelTensor } from '../network/pixel-tensor.ts';
import { tf } from '../network/tensorflow.ts';
import { multiplications } from '../network/work.ts';

/** What was measured on a machine. */
export interface Rates {
  /** Seconds to read and decode a picture, several side by side. */
  readonly decodeSeconds: number;
  /** Multiplications with weights a second, in a batch of the frozen network. */
  readonly multiplications: number;
  /** How many pictures that rests on. */
  readonly pictures: number;
}

/** One part of the work. */
export interface Work {
  /** For people, such as "features of 96 pictures". */
  readonly what: string;
  /** Pictures to read and decode. */
  readonly decoded: number;
  readonly multiplications: number;
  /** Whether it may end earlier. */
  readonly atMost: boolean;
}

export interface Forecast {
  readonly seconds: number;
  readonly parts: readonly { readonly what: string; readonly seconds: number; readonly atMost: boolean }[];
  /** For people: what it was told from, and what is not in it. */
  readonly restsOn: string;
}

/** Decoding and computing take turns at the same cores, so that their times add up. */
export function forecast(work: readonly Work[], rates: Rates, missing = ''): Forecast {
  const parts = work.map(({ what, decoded, multiplications: count, atMost }) => ({
    what,
    seconds: decoded * rates.decodeSeconds + count / rates.multiplications,
    atMost,
  }));
  return {
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    parts,
    restsOn:
      `${rates.pictures} of the pictures, decoded and computed on this machine just now` +
      (missing === '' ? '' : `; not in it: ${missing}`),
  };
}

/** For people: "The training will take up to about 2 min: ...". */
export function forecastLine({ seconds, parts, restsOn }: Forecast): string {
  const named = parts.map((part) => `${part.what} ${part.atMost ? 'at most ' : ''}${minutes(part.seconds)}`);
  const list = named.length === 0 ? '' : `: ${named.join(', ')}`;
  const limit = parts.some(({ atMost }) => atMost) ? 'up to ' : '';
  return `The training will take ${limit}about ${minutes(seconds)}${list} (told from ${restsOn})`;
}

/** Rounded, for nobody knows it better: "40 s", "2 min", "3 h". */
function minutes(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export interface RatesRequest {
  readonly network: Network;
  /** Nodes whose outputs are wanted. */
  readonly nodes: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly pictures: readonly Picture[];
}

/** Enough for a batch to run as fast as a larger one, nearly. */
const MEASURED = 8;

/** @returns null when not one of the pictures tried can be decoded */
export async function measureRates({
  network,
  nodes,
  preprocessing,
  pictures,
}: RatesRequest): Promise<Rates | null> {
  const sample = evenly(pictures, Math.min(MEASURED, Math.ceil(pictures.length / 4)));
  const started = performance.now();
  const decoded: Pixels[] = [];
  for await (const { pixels } of decodePictures(sample, preprocessing)) if (pixels) decoded.push(pixels);
  const decodeSeconds = secondsSince(started) / sample.length;
  if (decoded.length === 0) return null;
  // The first time weights are read and kernels chosen.
  compute(network, nodes, decoded.slice(0, 1));
  const begun = performance.now();
  compute(network, nodes, decoded);
  const count = decoded.length * multiplications(network.graph, nodes);
  return { decodeSeconds, multiplications: count / secondsSince(begun), pictures: decoded.length };
}

function compute(network: Network, nodes: readonly string[], pixels: readonly Pixels[]): void {
  tf.tidy(() => {
    const outputs = network.forward({ [PIXELS]: pixelTensor(pixels) }, nodes);
    for (const output of Object.values(outputs)) output.dataSync();
  });
}

const secondsSince = (moment: number): number => Math.max(1e-6, (performance.now() - moment) / 1000);

/** So many of them, from all over. */
function evenly<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T);
}
