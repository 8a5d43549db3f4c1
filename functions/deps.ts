/** The composition root of the API: the one place that knows what is made of what. */
import { randomBytes } from 'node:crypto';
import { KnownGalleries } from '../core/ingest/known-galleries.ts';
import { registryTokens } from '../core/registry/registry-tokens.ts';
import type { Registry } from '../core/registry/registry.ts';
import type { TokenStore } from '../core/registry/token-store.ts';
import type { ObjectStore } from '../core/storage/store.ts';
import type { AccessNeeds } from './http/access.ts';
import { JwtIssuer } from './http/jwt.ts';
import type { JwtOptions } from './http/jwt.ts';
import { DEFAULT_LIMITS } from './http/limits.ts';
import type { Limits } from './http/limits.ts';
import { Line } from './http/line.ts';
import { Memory } from './http/memory.ts';
import { withoutPlace } from './http/places.ts';
import { describe } from './http/problems.ts';
import { Rate } from './http/rate.ts';
import { RequestImages } from './http/request-images.ts';
import { serverMetrics } from './http/server-metrics.ts';
import type { ServerMetrics } from './http/server-metrics.ts';
import { TokenCache } from './http/token-cache.ts';
import type { LogEntry } from './log.ts';
import { Reconciler } from './ingestion/reconciler.ts';
import { Moves } from './promotions/moves.ts';
import { UploadSigner } from './http/upload-signature.ts';
import { Streams } from './trainings/events.ts';
import type { Trainings } from './trainings/trainings.ts';
import { UnknownQueue } from './unknown/unknown-queue.ts';
import type { UnknownLimits } from './unknown/unknown-queue.ts';
import { Targets } from './versions/targets.ts';
import { WarmVersions } from './versions/warm-versions.ts';
import type { WarmOptions } from './versions/warm-versions.ts';

export interface ServeOptions {
  readonly registry: Registry;
  readonly log: (entry: LogEntry) => void;
  /** The model that is asked where none is named. @default the only one there is */
  readonly model?: string | null;
  readonly limits?: Partial<Limits>;
  /** Bytes of bodies that may be in memory at once. @default 256 MiB */
  readonly memoryBytes?: number;
  /** Pictures that are decoded at once. @default 4 */
  readonly atOnce?: number;
  /** Pictures that may wait for that; more are refused. @default 64 */
  readonly waiting?: number;
  readonly hosts?: ReadonlySet<string> | null;
  /** Whether Kindred's own tokens are taken, and one is needed. @default false */
  readonly tokens?: boolean;
  /** Where these are kept. @default in the registry */
  readonly tokenStore?: TokenStore | null;
  /** Whose tokens are taken, and one is needed. @default nobody's */
  readonly jwt?: JwtOptions | null;
  /** What a request was allowed before it came here. @default nothing has looked at it */
  readonly authorizer?: AccessNeeds['authorizer'];
  /** Requests a minute for each token, or for each address where none is needed. @default as many as they like */
  readonly rate?: number | null;
  /** Who sent a request. @default it cannot be told */
  readonly addressOf?: AccessNeeds['addressOf'];
  /** What signs addresses to upload to. @default made up, so that they hold until the server ends */
  readonly uploadSecret?: Uint8Array;
  readonly publicUrl?: string | null;
  /** What runs trainings, over what it shares with the interface. @default nothing does */
  readonly trainings?: ((shared: SharedWithTrainings) => Trainings) | null;
  /** Milliseconds after which streams of events end, to be begun anew. @default they do not */
  readonly streamMs?: number | null;
  /**
   * Whether the process goes on between requests: galleries follow the data sets then, once `ingestion` is started, and moves of aliases
   * that take long go on. Close `ingestion` and `moves` before `versions`. @default false
   */
  readonly background?: boolean;
  /** Milliseconds between two looks for what came to data sets past this server; 0: never. @default 5000 */
  readonly followMs?: number;
  /** Milliseconds that a request waits for an alias to be moved. @default ten seconds, and half of what a request may take at most */
  readonly moveMs?: number;
  /** What is kept, for each model, of pictures that were not known. @default nothing */
  readonly unknown?: UnknownLimits | null;
  readonly versions?: Pick<WarmOptions, 'most' | 'lookMs' | 'staleMs' | 'batch' | 'open'>;
}

export interface SharedWithTrainings {
  readonly store: ObjectStore;
  readonly trouble: (error: unknown) => void;
}

/** Each of them asks the store every second. */
const STREAMS = 64;
const MOVE_MS = 10_000;
const MEMORY_BYTES = 256 * 1024 * 1024;

/** What the API works with. */
export type Deps = ReturnType<typeof makeDeps>;

/** Builds everything that the API works with, from a registry. Close `versions` after use. */
export function makeDeps(options: ServeOptions) {
  const { registry, log, model = null, hosts = null } = options;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = serverMetrics();
  const trouble = (error: unknown): void => log({ level: 'warning', error: describe(error) });
  const versions = new WarmVersions(registry, {
    ...options.versions,
    onTrouble: trouble,
    onRun: (name, run) => metrics.run(name, run),
  });
  const work = new Line('Pictures are being decoded', {
    atOnce: options.atOnce ?? 4,
    waiting: options.waiting ?? 64,
  });
  const memory = new Memory(options.memoryBytes ?? MEMORY_BYTES);
  metrics.watch({ versions, work, memory });
  const images = new RequestImages({
    store: registry.store,
    limits,
    memory,
    work,
    onRejected: (code) => metrics.rejected(code),
  });
  const galleries = new KnownGalleries(registry);
  const ingestion = options.background
    ? reconcilerOf(options, { versions, galleries, metrics, trouble })
    : null;
  if (ingestion !== null) metrics.watchIngestion(ingestion);
  return {
    registry,
    versions,
    /** Galleries by names, for changes. */
    galleries,
    metrics,
    log,
    withoutPlace: withoutPlace(registry.store.uri),
    trouble,
    limits,
    images,
    targets: new Targets(registry, model),
    memory,
    work,
    model,
    hosts,
    tokens: options.tokens
      ? new TokenCache(options.tokenStore ?? registryTokens(registry.store), trouble)
      : null,
    jwt: options.jwt ? new JwtIssuer(options.jwt) : null,
    authorizer: options.authorizer ?? null,
    rate: options.rate ? new Rate(options.rate) : null,
    addressOf: options.addressOf ?? (() => null),
    uploads: new UploadSigner(options.uploadSecret ?? randomBytes(32)),
    publicUrl: options.publicUrl ?? null,
    trainings: options.trainings?.({ store: registry.store, trouble }) ?? null,
    streams: new Streams(STREAMS, options.streamMs),
    ingestion,
    unknown: options.unknown ? unknownOf(options.unknown, registry, { memory, metrics, trouble }) : null,
    moves: new Moves({
      registry,
      background: options.background ?? false,
      waitMs: options.moveMs ?? Math.min(MOVE_MS, (limits.seconds * 1000) / 2),
      onMoved: (moved, alias) => versions.refresh(moved, alias).catch(trouble),
    }),
  };
}

function reconcilerOf(
  { registry, log, followMs, versions: { lookMs } = {} }: ServeOptions,
  parts: {
    readonly versions: WarmVersions;
    readonly galleries: KnownGalleries;
    readonly metrics: ServerMetrics;
    readonly trouble: (error: unknown) => void;
  },
): Reconciler {
  const { metrics, ...shared } = parts;
  return new Reconciler({
    registry,
    ...shared,
    log,
    onIngested: (done) => metrics.ingested(done.map(({ outcome }) => outcome)),
    onFailed: (images) => metrics.ingestFailed(images),
    ...(lookMs !== undefined && { lookMs }),
    ...(followMs !== undefined && { followMs }),
  });
}

function unknownOf(
  limits: UnknownLimits,
  { store }: Registry,
  parts: { memory: Memory; metrics: ServerMetrics; trouble: (error: unknown) => void },
): UnknownQueue {
  const { memory, metrics, trouble } = parts;
  return new UnknownQueue({
    store,
    limits,
    memory,
    onTrouble: trouble,
    onQueued: (kept) => metrics.unknown(kept),
  });
}
