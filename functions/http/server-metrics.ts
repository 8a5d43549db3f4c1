import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Line } from './line.ts';
import type { Memory } from './memory.ts';
import type { Run } from '../versions/batcher.ts';
import type { VersionName } from '../versions/warm-version.ts';
import type { WarmVersions } from '../versions/warm-versions.ts';

/** What the server counts and measures. */
export interface ServerMetrics {
  request(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
  /** The engine embedded some pictures at once. */
  run(version: VersionName, run: Run): void;
  /** A picture was not taken, by the code of its error. */
  rejected(code: string): void;
  /** Galleries have taken up pictures of data sets, by what became of each. */
  ingested(outcomes: readonly string[]): void;
  /** So many could not be taken up, and are left to the next look. */
  ingestFailed(pictures: number): void;
  /** Lets the numbers that are looked up be looked up there. */
  watch(parts: { readonly versions: WarmVersions; readonly work: Line; readonly memory: Memory }): void;
  /** A picture that was not known was kept, or was not for want of room. */
  unknown(kept: boolean): void;
  watchIngestion(ingestion: { readonly waiting: number }): void;
  /** All metrics in the text format of Prometheus (exposition format 0.0.4). */
  text(): Promise<string>;
}

/** Upper bounds in seconds: from a warm answer on a fast machine to a body over a slow connection. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const VERSION = ['model', 'version'] as const;

export function serverMetrics(): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter<T>({ name, help, labelNames, registers });
  const histogram = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Histogram<T>({ name, help, labelNames, registers, buckets: BUCKETS });
  const requests = counter('kindred_requests_total', 'Requests answered.', ['method', 'route', 'status']);
  const seconds = histogram('kindred_request_seconds', 'From the first byte to the answer.', [
    'method',
    'route',
  ]);
  const engine = histogram(
    'kindred_engine_seconds',
    'The engine at work, once for pictures together.',
    VERSION,
  );
  const pictures = counter('kindred_pictures_total', 'Pictures embedded.', VERSION);
  const rejected = counter('kindred_pictures_rejected_total', 'Pictures that were not taken.', ['reason']);
  const ingested = counter('kindred_ingested_total', 'Pictures of data sets taken up by galleries.', [
    'outcome',
  ]);
  const unknown = counter('kindred_unknown_total', 'Unknown pictures, by whether they were kept.', ['kept']);
  const ingestFailed = counter('kindred_ingest_failed_total', 'Pictures that were given up for now.');
  return {
    request({ method, route, status, seconds: took }) {
      requests.inc({ method, route, status });
      seconds.observe({ method, route }, took);
    },
    run({ model, version }, run) {
      engine.observe({ model, version }, run.seconds);
      pictures.inc({ model, version }, run.pictures);
    },
    rejected: (reason) => rejected.inc({ reason }),
    unknown: (kept) => unknown.inc({ kept: String(kept) }),
    ingested: (outcomes) => outcomes.forEach((outcome) => ingested.inc({ outcome })),
    ingestFailed: (count) => ingestFailed.inc(count),
    watchIngestion: (ingestion) =>
      gauge(
        registry,
        'kindred_ingest_waiting',
        'Pictures that wait for galleries to take them up.',
        () => ingestion.waiting,
      ),
    watch: ({ versions, work, memory }) => watch(registry, versions, work, memory),
    text: () => registry.metrics(),
  };
}

/** A number that is read whenever the metrics are. */
function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const collect = function collect(this: Gauge): void {
    this.set(read());
  };
  registry.registerMetric(new Gauge({ name, help, registers: [], collect }));
}

function watch(registry: Registry, versions: WarmVersions, work: Line, memory: Memory): void {
  type Read = (warm: WarmVersions['warm'][number]) => number;
  const each = (name: string, help: string, read: Read): void => {
    const collect = function collect(this: Gauge<(typeof VERSION)[number]>): void {
      // Versions that were unloaded are not shown any more.
      this.reset();
      for (const warm of versions.warm) this.set({ ...warm.name }, read(warm));
    };
    registry.registerMetric(new Gauge({ name, help, labelNames: VERSION, registers: [], collect }));
  };
  each('kindred_version_loaded', 'Versions that answer.', () => 1);
  each('kindred_gallery_pictures', 'Pictures that a version knows.', ({ knowledge }) => {
    return knowledge.gallery.keys.length;
  });
  each('kindred_engine_waiting', 'Pictures that wait for the engine.', ({ batcher }) => batcher.waiting);
  gauge(registry, 'kindred_versions_in_memory', 'With those being loaded and left.', () => versions.held);
  gauge(registry, 'kindred_queue_working', 'Pictures at work.', () => work.working);
  gauge(registry, 'kindred_queue_waiting', 'Pictures that wait for their turn.', () => work.waiting);
  gauge(registry, 'kindred_body_bytes', 'Bytes of bodies in memory.', () => memory.taken);
}
