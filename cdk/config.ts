/** Everything that a deployment may choose, with its default, in one place. */
import { z } from 'zod';
import {
  BATCH_NAME,
  BUCKET,
  DAY_SECONDS,
  FARGATE,
  GPU_MACHINE,
  HOURS,
  isOrigin,
  LEAST_MEMORY_MB,
  LOG_DAYS,
  MESSAGE_DAYS,
  MODEL,
  VISIBILITY,
} from './limits.ts';

const authSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tokens') }).describe('tokens made with "kindred tokens"'),
  z.strictObject({
    kind: z.literal('jwt'),
    issuer: z.url({ protocol: /^https$/, error: 'has to be an address of an OpenID provider, with https' }),
    audience: z.array(z.string().min(1)).min(1),
    scopesClaim: z.string().min(1).default('scope'),
    scopePrefix: z.string().default('').describe('before the names of scopes, such as "kindred/"'),
  }),
]);

const apiSchema = z.strictObject({
  memoryMb: z.int().min(LEAST_MEMORY_MB).max(10_240).default(2048).describe('a full processor comes at 1769'),
  timeoutSeconds: z.int().min(10).max(29).default(29).describe('the gateway waits 30 s'),
  auth: authSchema.default({ kind: 'tokens' }),
  atOnce: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .describe('calls at once, kept free for it; null: as many as the account has'),
  lookSeconds: z
    .int()
    .min(0)
    .max(3600)
    .default(5)
    .describe('how old what a warm function knows of aliases and galleries may be'),
  origins: z
    .array(z.string().refine(isOrigin, 'has to be an origin, such as https://shop.example, without a path'))
    .default([])
    .describe('of web pages that may call it'),
  requestsPerSecond: z.int().min(1).default(50),
  burst: z.int().min(1).default(100),
  pictureMb: z
    .int()
    .min(1)
    .max(100)
    .default(32)
    .describe('a picture in the bucket; Lambda takes bodies up to 4.5 MB'),
  model: z
    .string()
    .regex(MODEL, 'has to be the name of a model: small letters, digits, ".", "_" and "-", at most 63')
    .nullable()
    .default(null)
    .describe('asked where none is named'),
});

const ingestSchema = z.strictObject({
  memoryMb: z.int().min(LEAST_MEMORY_MB).max(10_240).default(2048),
  timeoutSeconds: z.int().min(10).max(900).default(120),
  batchSize: z.int().min(1).max(100).default(10).describe('pictures that one call gets'),
  atOnce: z.int().min(2).max(100).default(4).describe('calls at once'),
  attempts: z.int().min(1).max(100).default(5).describe('before a message goes to the dead-letter queue'),
});

const gpuSchema = z.strictObject({
  enabled: z.boolean().default(true),
  instanceTypes: z
    .array(
      z
        .string()
        .regex(
          GPU_MACHINE,
          'has to be a type with an NVIDIA GPU and an x86 processor: g4dn, g5, g6, g6e, gr6, p4, p5 and newer, such as g6.xlarge',
        ),
    )
    .min(1)
    .default(['g6.xlarge', 'g6.2xlarge', 'g5.xlarge', 'g5.2xlarge', 'g4dn.xlarge', 'g4dn.2xlarge']),
  spot: z.boolean().default(true).describe('Spot first; on demand where there is none'),
  maxVcpus: z.int().min(4).max(1024).default(16),
  diskGb: z.int().min(60).max(16_000).default(100),
});

const cpuSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    vcpus: z.union([z.literal(2), z.literal(4), z.literal(8), z.literal(16)]).default(4),
    memoryMb: z.int().default(16_384),
    spot: z.boolean().default(true),
    maxVcpus: z.int().min(2).max(1024).default(16),
    diskGb: z.int().min(21).max(200).default(40),
  })
  .superRefine(({ vcpus, memoryMb, maxVcpus }, context) => {
    const [from, to, step] = FARGATE[vcpus] ?? [0, 0, 1];
    const gb = memoryMb / 1024;
    if (gb < from || gb > to || (gb - from) % step !== 0) {
      const message = `beside ${vcpus} processors Fargate has ${from * 1024} to ${to * 1024} MB, in steps of ${step * 1024}`;
      context.addIssue({ code: 'custom', path: ['memoryMb'], message });
    }
    if (maxVcpus < vcpus) {
      const message = `a training takes ${vcpus} (vcpus), and none could ever begin with less`;
      context.addIssue({ code: 'custom', path: ['maxVcpus'], message });
    }
  });

/** With neither way to train there is no stack for it, and none can be started through the interface. */
const trainingSchema = z.strictObject({
  existing: z
    .strictObject({
      queue: z.string().regex(BATCH_NAME, 'has to be the name of a job queue'),
      job: z.string().regex(BATCH_NAME, 'has to be the name of a job definition, without its revision'),
    })
    .nullable()
    .default(null)
    .describe('names of a job queue and a job definition that are there already; none are made then'),
  gpu: gpuSchema.prefault({}),
  cpu: cpuSchema.prefault({}),
  smallPictures: z
    .int()
    .min(0)
    .default(300)
    .describe('data sets of up to so many pictures are trained without a GPU'),
  hours: z
    .int()
    .min(1)
    .max(14 * HOURS)
    .default(12)
    .describe('after which an attempt is ended'),
  attempts: z.int().min(1).max(10).default(10).describe('Spot may take the machine away so often, less one'),
  image: z
    .strictObject({ gpu: z.string().min(1), cpu: z.string().min(1) })
    .nullable()
    .default(null)
    .describe('built here unless named'),
  dataBuckets: z
    .array(z.string().regex(BUCKET, 'has to be the name of a bucket'))
    .default([])
    .describe('others that trainings may read pictures from'),
  availabilityZones: z.int().min(1).max(6).default(3).describe('more of them, more GPUs'),
});

const fieldsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,29}$/, 'has to be small letters, digits and "-", at most 30')
    .default('kindred'),
  retention: z
    .strictObject({
      logDays: z
        .int()
        .refine(
          (days) => LOG_DAYS.includes(days as never),
          `CloudWatch keeps logs for one of ${LOG_DAYS.join(', ')} days`,
        )
        .default(30),
      oldVersionDays: z.int().min(1).default(30).describe('overwritten and deleted objects'),
      checkpointDays: z.int().min(1).default(14).describe('of trainings that were not gone on with'),
      unfinishedUploadDays: z.int().min(1).default(2),
      deadLetterDays: z
        .int()
        .min(MESSAGE_DAYS + 1)
        .max(14)
        .default(14)
        .describe('from the day on which the message came; it may have been tried again for four'),
    })
    .prefault({}),
  api: apiSchema.prefault({}),
  ingest: ingestSchema.prefault({}),
  training: trainingSchema.prefault({}),
  alarms: z
    .strictObject({
      email: z.email().nullable().default(null),
      latencySeconds: z.number().positive().default(5).describe('of the slowest in a hundred answers'),
      queueAgeSeconds: z
        .int()
        .min(60)
        .max(MESSAGE_DAYS * DAY_SECONDS - 1)
        .default(900),
      unknownShare: z.number().gt(0).lt(1).default(0.5).describe('of answers that know no class'),
    })
    .prefault({}),
  tracing: z
    .boolean()
    .default(true)
    .describe('with X-Ray; of which calls, Lambda decides: one a second and 5 % of the rest'),
  architecture: z.enum(['arm64', 'x64']).default('arm64').describe('of the functions'),
  bundle: z.string().min(1).default('dist/lambda').describe('what "npm run bundle" has made'),
});

/** What only shows when parts are looked at together. */
const configSchema = fieldsSchema.superRefine(({ name, api, ingest, alarms }, context) => {
  if (api.auth.kind === 'tokens' && /^(?:aws|ssm)/.test(name)) {
    const message =
      'has to begin otherwise: tokens are parameters below it, and AWS keeps "aws" and "ssm" for itself';
    context.addIssue({ code: 'custom', path: ['name'], message });
  }
  if (alarms.latencySeconds >= api.timeoutSeconds) {
    const message = `has to be less than api.timeoutSeconds (${api.timeoutSeconds}), after which there is no answer that could be late`;
    context.addIssue({ code: 'custom', path: ['alarms', 'latencySeconds'], message });
  }
  const seconds = ingest.attempts * VISIBILITY * ingest.timeoutSeconds;
  if (seconds >= MESSAGE_DAYS * DAY_SECONDS) {
    const message = `so many attempts, each ${VISIBILITY} times ingest.timeoutSeconds (${ingest.timeoutSeconds}) after the one before, take longer than the ${MESSAGE_DAYS} days that a message is kept: it would go without a word`;
    context.addIssue({ code: 'custom', path: ['ingest', 'attempts'], message });
  }
});

/** What {@link parseConfig} makes of it. */
export type Config = z.output<typeof configSchema>;

/** Something in the configuration cannot be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Takes what was chosen and puts defaults to the rest.
 * @throws ConfigError that says what is wrong, and where
 */
export function parseConfig(chosen: unknown = {}): Config {
  const parsed = configSchema.safeParse(chosen);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `  ${path.join('.') || '(all)'}: ${message}${got(chosen, path)}`,
    );
    throw new ConfigError(`The configuration cannot be taken:\n${problems.join('\n')}`);
  }
  return parsed.data;
}

const LONGEST_SHOWN = 80;

/** What stood there, where it is a single value. */
function got(chosen: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? at[name as keyof typeof at] : undefined),
    chosen,
  );
  if (value === undefined || typeof value === 'object') return '';
  return ` (it is ${JSON.stringify(value).slice(0, LONGEST_SHOWN)})`;
}
