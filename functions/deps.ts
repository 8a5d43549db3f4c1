import type { Context } from 'hono';
import type { Registry } from '../core/registry/registry.ts';
import type { Tokens } from './http/access.ts';
import type { Grant } from './http/grant.ts';
import type { JwtIssuer } from './http/jwt.ts';
import type { Line } from './http/line.ts';
import type { Memory } from './http/memory.ts';
import type { Rate } from './http/rate.ts';
import type { Env } from './http/env.ts';
import type { ServerMetrics } from './http/server-metrics.ts';
import type { Ingestion } from './ingestion/ingestion.ts';
import type { UploadSigner } from './http/upload-signature.ts';
import type { Moves } from './promotions/moves.ts';
import type { Streams } from './trainings/events.ts';
import type { Trainings } from './trainings/trainings.ts';
import type { UnknownQueue } from './unknown/unknown-queue.ts';
import type { WarmVersions } from './versions/warm-versions.ts';

/** What a request may cost. */
export interface Limits {
  /** Bytes of one picture. */
  readonly pictureBytes: number;
  /** Bytes of a whole body of pictures. */
  readonly bodyBytes: number;
  /** Pictures in one request. */
  readonly pictures: number;
  /** From a request's first line to its answer. */
  readonly seconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  pictureBytes: 32 * 1024 * 1024,
  bodyBytes: 64 * 1024 * 1024,
  pictures: 16,
  seconds: 60,
};

/** What the interface works with; nothing in it knows how a request came in. */
export interface Deps {
  readonly registry: Registry;
  readonly versions: WarmVersions;
  readonly metrics: ServerMetrics;
  /** Writes one entry of the log. */
  readonly log: (entry: LogEntry) => void;
  /** Takes out of a text where the registry lies, before it is answered. */
  readonly withoutPlace: (text: string) => string;
  /** Notes what went wrong beside a request. */
  readonly trouble: (error: unknown) => void;
  readonly limits: Limits;
  /** Bytes of bodies in memory. */
  readonly memory: Memory;
  /** Pictures being decoded and embedded. */
  readonly work: Line;
  /** The model that is asked where none is named; null: the only one there is. */
  readonly model: string | null;
  /** Names that the server may be called by in `Host`, and pages may come from; null: any. */
  readonly hosts: ReadonlySet<string> | null;
  /** Who may do what. Null, and neither issuer nor authorizer: everybody everything. */
  readonly tokens: Tokens | null;
  /** Whose tokens are taken besides; null: nobody's. */
  readonly jwt: JwtIssuer | null;
  /** What has checked who asks before the request came here; null: nothing has. It alone counts then. */
  readonly authorizer: ((c: Context<Env>) => Grant | null) | null;
  /** How often each may ask; null: as they like. */
  readonly rate: Rate | null;
  /** Who sent a request that needs no token; null where that cannot be told. */
  readonly addressOf: (c: Context<Env>) => string | null;
  readonly uploads: UploadSigner;
  /** What runs trainings; null: nothing does here. */
  readonly trainings: Trainings | null;
  readonly streams: Streams;
  /** What has galleries follow data sets; null: something else does, or nothing. */
  readonly ingestion: Ingestion | null;
  /** Keeps pictures that were not known; null: they are not kept. */
  readonly unknown: UnknownQueue | null;
  /** Moves of aliases. */
  readonly moves: Moves;
  /** What the server is called from outside, for addresses that it gives out; null: as it was asked. */
  readonly publicUrl: string | null;
}

export type LogEntry = Readonly<Record<string, string | number | boolean | null>>;
