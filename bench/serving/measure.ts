/** The measurements of `bench/serving.ts`, each with both sides in turns. */
import { readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { openCoarse } from '../../core/gallery/coarse.ts';
import { createSearch } from '../../core/gallery/search.ts';
import { decodeImage } from '../../core/images/decode.ts';
import type { Preprocessing } from '../../core/images/pixels.ts';
import { Random } from '../../core/random.ts';
import { runJson } from '../processes.ts';
import { PEERS_FOLDER } from '../python.ts';
import { median } from '../results.ts';
import { Server } from './server.ts';
import { Talker } from './talker.ts';

const BARE = path.join(PEERS_FOLDER, 'bare-onnx.mjs');
const LOAD = path.join(PEERS_FOLDER, 'load.mjs');
const PACED = path.join(PEERS_FOLDER, 'paced.mjs');
const CONNECTIONS = 8;

/** What is asked, and what answers. */
export interface Subject {
  readonly registry: string;
  readonly model: string;
  /** The file of its network. */
  readonly onnx: string;
  readonly preprocessing: Preprocessing;
  readonly scratch: string;
  /** A file. */
  readonly picture: string;
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
};

/** From the start of the process to the first answer. */
export async function measureStart({ registry, model, picture }: Subject, rounds: number) {
  const bytes = await readFile(picture);
  const each: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { server, seconds: took } = await Server.start(registry, model, bytes);
    each.push(took);
    await server.end();
  }
  return { seconds: median(each), each };
}

/** One request with a picture of 12 megapixels, against decoding it and ONNX Runtime alone. */
export async function measureRequest(subject: Subject, rounds: number) {
  const large = await twelveMegapixels(await readFile(subject.picture));
  const bare = await bareOn(subject, large);
  const { server } = await Server.start(subject.registry, subject.model, large);
  const [requests, decodes, runs]: [number[], number[], number[]] = [[], [], []];
  await bare.ask('{"pictures":1,"times":5}');
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 3; i++) {
      requests.push(await seconds(() => server.classify(large)));
      decodes.push(await seconds(() => decodeImage(large, subject.preprocessing)));
    }
    runs.push(...(await bare.ask<number[]>('{"pictures":1,"times":3}')));
  }
  await server.end();
  await bare.end();
  const [request, decode, engine] = [median(requests), median(decodes), median(runs)];
  return {
    megabytes: large.length / 1e6,
    requestSeconds: request,
    decodeSeconds: decode,
    bareSeconds: engine,
    times: (request - decode) / engine,
  };
}

/** As a camera's, with some noise, without which there would be little to decode. */
async function twelveMegapixels(picture: Uint8Array): Promise<Buffer> {
  const [width, height] = [4000, 3000];
  const noise = { type: 'gaussian', mean: 128, sigma: 10 } as const;
  const grain = await sharp({ create: { width, height, channels: 3, background: 'grey', noise } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return sharp(picture)
    .resize(width, height, { fit: 'fill' })
    .composite([{ input: grain, blend: 'soft-light' }])
    .jpeg({ quality: 90 })
    .toBuffer();
}

async function bareOn({ onnx, scratch, preprocessing }: Subject, bytes: Uint8Array): Promise<Talker> {
  const file = path.join(scratch, 'pixels');
  await writeFile(file, (await decodeImage(bytes, preprocessing)).data);
  return new Talker(process.execPath, [BARE, onnx, file, String(preprocessing.size)]);
}

const ROWS = 100_000;
const DIMENSIONS = 256;
const CLASSES = 1000;

/** The nearest pictures of the five nearest classes, against NumPy's product of the gallery with the picture. */
export async function measureSearch(python: string, rounds: number) {
  const random = new Random(1);
  const embeddings = new Float32Array(ROWS * DIMENSIONS).map(() => random.normal() / Math.sqrt(DIMENSIONS));
  const classes = Array.from({ length: ROWS }, (_, row) => `class ${row % CLASSES}`);
  const keys = classes.map((name, row) => `${name}/${row}`);
  const gallery = {
    dimensions: DIMENSIONS,
    keys,
    classes,
    embeddings,
    distance: 'squared-euclidean',
  } as const;
  const search = createSearch(gallery);
  const coarse = await openCoarse(gallery);
  const numpy = new Talker(python, [
    path.join(PEERS_FOLDER, 'products_numpy.py'),
    String(ROWS),
    String(DIMENSIONS),
  ]);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const found: number[] = [];
    for (let i = 0; i < 20; i++) {
      const query = new Float32Array(DIMENSIONS).map(() => random.normal() / Math.sqrt(DIMENSIONS));
      found.push(await seconds(async () => search.nearestPerClass(query, 5, await coarse.estimates(query))));
    }
    const peer = await numpy.ask<number[]>('20');
    // The first round warms both up.
    if (round === 0) continue;
    ours.push(...found);
    theirs.push(...peer);
  }
  coarse.close();
  await numpy.end();
  return {
    rows: ROWS,
    dimensions: DIMENSIONS,
    classes: CLASSES,
    searchSeconds: median(ours),
    numpySeconds: median(theirs),
    times: median(ours) / median(theirs),
  };
}

/** Of what autocannon says. */
interface Load {
  readonly requests: { readonly average: number; readonly total: number };
  readonly errors: number;
  readonly non2xx: number;
  readonly duration: number;
}

function load(server: Server, file: string, options: Record<string, number>): Promise<Load> {
  const work = { url: `${server.url}/v1/classify`, file, connections: CONNECTIONS, ...options };
  return runJson<Load>(process.execPath, [LOAD, JSON.stringify(work)]);
}

interface Paced {
  readonly seconds: readonly number[];
  readonly failed: number;
}

function paced(server: Server, file: string, pace: { rate: number; seconds: number }): Promise<Paced> {
  const work = { url: `${server.url}/v1/classify`, file, ...pace };
  return runJson<Paced>(process.execPath, [PACED, JSON.stringify(work)]);
}

/** The smallest value that so large a share is not above. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** Requests as fast as they are answered, against ONNX Runtime alone; then half as many. */
export async function measureLoad(subject: Subject, duration: number) {
  const { registry, model, picture } = subject;
  const bytes = await readFile(picture);
  const bare = await bareOn(subject, bytes);
  const { server } = await Server.start(registry, model, bytes);
  await load(server, picture, { duration: 3 });
  const alone = new Map<number, number[]>([
    [1, []],
    [4, []],
  ]);
  const answered: number[] = [];
  let failed = 0;
  for (let round = 0; round < 3; round++) {
    for (const [pictures, rates] of alone) {
      const times = Math.ceil(duration / 3 / pictures / 0.1);
      const all = await bare.ask<number[]>(JSON.stringify({ pictures, times }));
      rates.push((pictures * times) / all.reduce((sum, one) => sum + one, 0));
    }
    const { requests, duration: took, errors, non2xx } = await load(server, picture, { duration });
    answered.push(requests.total / took);
    failed += errors + non2xx;
  }
  const rate = median(answered);
  const half = await paced(server, picture, { rate: rate / 2, seconds: 4 * duration });
  failed += half.failed;
  const drained = await drain(server, bytes);
  await bare.end();
  const engine = Math.max(...[...alone.values()].map(median));
  return {
    connections: CONNECTIONS,
    picturesPerSecond: rate,
    bareByBatch: Object.fromEntries([...alone].map(([pictures, rates]) => [pictures, median(rates)])),
    share: rate / engine,
    failed,
    half: {
      requests: half.seconds.length,
      perSecond: rate / 2,
      medianSeconds: median(half.seconds),
      p99Seconds: quantile(half.seconds, 0.99),
      times: quantile(half.seconds, 0.99) / median(half.seconds),
    },
    drained,
  };
}

/** SIGTERM while requests come over several connections, until no new one can be made. */
async function drain(server: Server, picture: Uint8Array) {
  let [answered, failed, ended] = [0, 0, false];
  const ask = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!ended) {
      try {
        if ((await server.classify(picture, agent)) === 200) answered++;
        else failed++;
      } catch (error) {
        ended = true;
        // Nothing was sent over a connection that was never there.
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') failed++;
      }
    }
    agent.destroy();
  };
  const asking = Array.from({ length: CONNECTIONS }, ask);
  await sleep(1000);
  const took = await server.end();
  await Promise.all(asking);
  return { answered, failed, seconds: took };
}

/** Memory of the server over many requests. */
export async function measureMemory(subject: Subject, requests: number) {
  const bytes = await readFile(subject.picture);
  const { server } = await Server.start(subject.registry, subject.model, bytes);
  const megabytes: Record<string, number> = {};
  let [done, failed] = [0, 0];
  const note = async (): Promise<void> => {
    megabytes[done] = Math.round((await server.residentBytes()) / 1e6);
  };
  await note();
  const began = performance.now();
  while (done < requests) {
    const { errors, non2xx } = await load(server, subject.picture, { amount: requests / 10 });
    failed += errors + non2xx;
    done += requests / 10;
    await note();
  }
  const took = (performance.now() - began) / 1000;
  await server.end();
  return { requests, failed, perSecond: requests / took, megabytes };
}

export const SAMPLES = fileURLToPath(new URL('../../samples/clothing10/', import.meta.url));
