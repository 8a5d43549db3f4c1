/** What AWS offers and takes, as far as the configuration can know it. */

/** Days that CloudWatch Logs can keep something. */
export const LOG_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653,
] as const;
/** Of a day. */
export const HOURS = 24;

/** Less than this cannot hold the function, a network of the default recipe, and a picture. */
export const LEAST_MEMORY_MB = 1024;
/** Days that a message of ingest is kept; in the dead-letter queue they count from the same day on. */
export const MESSAGE_DAYS = 4;
export const DAY_SECONDS = 86_400;
/** Time-outs of the function until a message comes again, as AWS advises: one that is throttled for a while does not come to somebody else meanwhile. */
export const VISIBILITY = 6;

/** As the registry takes them (core/registry/names.ts). */
export const MODEL = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
export const BATCH_NAME = /^[A-Za-z0-9][\w-]{0,127}$/;
/** Machines with an NVIDIA GPU and a processor that the image is made for, and that the machine image of AWS Batch supports. */
export const GPU_MACHINE = /^(?:g4dn|g[5-9]e?|gr[6-9]|p[4-9][a-z]*(?:-b\d+)?)\.(?:metal|\d*xlarge)$/;

/** What a browser says as Origin: nothing after the host and its port. */
export const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** Gigabytes of memory that Fargate offers beside so many processors: from, to, in steps of. */
export const FARGATE: Readonly<Record<number, readonly [from: number, to: number, step: number]>> = {
  2: [4, 16, 1],
  4: [8, 30, 1],
  8: [16, 60, 4],
  16: [32, 120, 8],
};
