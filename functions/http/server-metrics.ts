import type { Line } from './line.ts';
import type { Memory } from './memory.ts';
import { Metrics } from './metrics.ts';
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
  text(): string;
}

export function serverMetrics(): ServerMetrics {
  const metrics = new Metrics();
  const requests = metrics.counter('kindred_requests_total', 'Requests answered.');
  const seconds = metrics.histogram('kindred_request_seconds', 'From the first byte to the answer.');
  const engine = metrics.histogram(
    'kindred_engine_seconds',
    'The engine at work, once for pictures together.',
  );
  const pictures = metrics.counter('kindred_pictures_total', 'Pictures embedded.');
  const rejected = metrics.counter('kindred_pictures_rejected_total', 'Pictures that were not taken.');
  const ingested = metrics.counter('kindred_ingested_total', 'Pictures of data sets taken up by galleries.');
  const unknown = metrics.counter('kindred_unknown_total', 'Unknown pictures, by whether they were kept.');
  const ingestFailed = metrics.counter('kindred_ingest_failed_total', 'Pictures that were given up for now.');
  return {
    request({ method, route, status, seconds: took }) {
      requests.add({ method, route, status: String(status) });
      seconds.observe(took, { method, route });
    },
    run({ model, version }, run) {
      const labels = { model, version: String(version) };
      engine.observe(run.seconds, labels);
      pictures.add(labels, run.pictures);
    },
    rejected: (code) => rejected.add({ reason: code }),
    unknown: (kept) => unknown.add({ kept: String(kept) }),
    ingested: (outcomes) => outcomes.forEach((outcome) => ingested.add({ outcome })),
    ingestFailed: (count) => ingestFailed.add({}, count),
    watchIngestion: (ingestion) =>
      metrics.gauge('kindred_ingest_waiting', 'Pictures that wait for galleries to take them up.', () => [
        [{}, ingestion.waiting],
      ]),
    watch: ({ versions, work, memory }) => watch(metrics, versions, work, memory),
    text: () => metrics.text(),
  };
}

function watch(metrics: Metrics, versions: WarmVersions, work: Line, memory: Memory): void {
  const each = (read: (warm: WarmVersions['warm'][number]) => number) => () =>
    versions.warm.map(
      (warm) => [{ model: warm.name.model, version: String(warm.name.version) }, read(warm)] as const,
    );
  metrics.gauge(
    'kindred_version_loaded',
    'Versions that answer.',
    each(() => 1),
  );
  metrics.gauge(
    'kindred_gallery_pictures',
    'Pictures that a version knows.',
    each(({ knowledge }) => knowledge.gallery.keys.length),
  );
  metrics.gauge(
    'kindred_engine_waiting',
    'Pictures that wait for the engine.',
    each(({ batcher }) => batcher.waiting),
  );
  metrics.gauge('kindred_versions_in_memory', 'With those being loaded and left.', () => [
    [{}, versions.held],
  ]);
  metrics.gauge('kindred_queue_working', 'Pictures at work.', () => [[{}, work.working]]);
  metrics.gauge('kindred_queue_waiting', 'Pictures that wait for their turn.', () => [[{}, work.waiting]]);
  metrics.gauge('kindred_body_bytes', 'Bytes of bodies in memory.', () => [[{}, memory.taken]]);
}
