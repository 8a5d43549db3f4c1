/** Everything that a deployment may choose, with its default, in one place. */
import { z } from 'zod';

/** Days that CloudWatch Logs can keep something. */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] as const;
/** A day. */
const HOURS = 24;

const authSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tokens') }).describe('tokens made with "kindred tokens"'),
  z.strictObject({
    kind: z.literal('jwt'),
    issuer: z.url({ protocol: /^https?$/ }).describe('of an OpenID provider'),
    audience: z.array(z.string().min(1)).min(1),
    scopesClaim: z.string().min(1).default('scope'),
    scopePrefix: z.string().default('').describe('before the names of scopes, such as "kindred/"'),
  }),
]);

const apiSchema = z.strictObject({
  memoryMb: z.int().min(512).max(10_240).default(2048).describe('a full processor comes at 1769'),
  timeoutSeconds: z.int().min(3).max(29).default(29).describe('the gateway waits 30 s'),
  auth: authSchema.default({ kind: 'tokens' }),
  origins: z.array(z.url()).default([]).describe('of web pages that may call it'),
  requestsPerSecond: z.int().min(1).default(50),
  burst: z.int().min(1).default(100),
  pictureMb: z
    .int()
    .min(1)
    .max(100)
    .default(32)
    .describe('a picture in the bucket; Lambda takes bodies up to 4.5 MB'),
  model: z.string().min(1).nullable().default(null).describe('asked where none is named'),
});

const ingestSchema = z.strictObject({
  memoryMb: z.int().min(512).max(10_240).default(2048),
  timeoutSeconds: z.int().min(10).max(900).default(120),
  batchSize: z.int().min(1).max(100).default(10).describe('pictures that one call gets'),
  atOnce: z.int().min(2).max(100).default(4).describe('calls at once'),
  attempts: z.int().min(1).max(100).default(5).describe('before a message goes to the dead-letter queue'),
});

const gpuSchema = z.strictObject({
  enabled: z.boolean().default(true),
  instanceTypes: z
    .array(z.string().regex(/^[a-z0-9-]+\.[a-z0-9]+$/, 'not an instance type, such as g6.xlarge'))
    .min(1)
    .default(['g6.xlarge', 'g6.2xlarge', 'g5.xlarge', 'g5.2xlarge', 'g4dn.xlarge', 'g4dn.2xlarge']),
  spot: z.boolean().default(true).describe('Spot first; on demand where there is none'),
  maxVcpus: z.int().min(4).max(1024).default(16),
  diskGb: z.int().min(60).max(16_000).default(100),
});

/** Gigabytes of memory that Fargate offers beside so many processors: from, to, in steps of. */
const FARGATE: Readonly<Record<number, readonly [from: number, to: number, step: number]>> = {
  2: [4, 16, 1],
  4: [8, 30, 1],
  8: [16, 60, 4],
  16: [32, 120, 8],
};

const cpuSchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    vcpus: z.union([z.literal(2), z.literal(4), z.literal(8), z.literal(16)]).default(4),
    memoryMb: z.int().default(16_384),
    spot: z.boolean().default(true),
    maxVcpus: z.int().min(2).max(1024).default(16),
    diskGb: z.int().min(21).max(200).default(40),
  })
  .superRefine(({ vcpus, memoryMb }, context) => {
    const [from, to, step] = FARGATE[vcpus] ?? [0, 0, 1];
    const gb = memoryMb / 1024;
    if (gb >= from && gb <= to && (gb - from) % step === 0) return;
    const message = `beside ${vcpus} processors Fargate has ${from * 1024} to ${to * 1024} MB, in steps of ${step * 1024}; not ${memoryMb}`;
    context.addIssue({ code: 'custom', path: ['memoryMb'], message });
  });

/** With neither way to train there is no stack for it, and none can be started through the interface. */
const trainingSchema = z.strictObject({
  existing: z
    .strictObject({ queue: z.string().min(1), job: z.string().min(1) })
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
    .array(z.string().min(3))
    .default([])
    .describe('others that trainings may read pictures from'),
  availabilityZones: z.int().min(1).max(6).default(3).describe('more of them, more GPUs'),
});

const configSchema = z.strictObject({
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
      deadLetterDays: z.int().min(1).max(14).default(14),
    })
    .prefault({}),
  api: apiSchema.prefault({}),
  ingest: ingestSchema.prefault({}),
  training: trainingSchema.prefault({}),
  alarms: z
    .strictObject({
      email: z.email().nullable().default(null),
      latencySeconds: z.number().positive().default(5).describe('of the slowest in a hundred answers'),
      queueAgeSeconds: z.int().min(60).default(900),
      unknownShare: z.number().gt(0).max(1).default(0.5).describe('of answers that know no class'),
    })
    .prefault({}),
  architecture: z.enum(['arm64', 'x64']).default('arm64').describe('of the functions'),
  bundle: z.string().min(1).default('dist/lambda').describe('what "npm run bundle" has made'),
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
      ({ path, message }) => `  ${path.join('.') || '(all)'}: ${message}`,
    );
    throw new ConfigError(`The configuration cannot be taken:\n${problems.join('\n')}`);
  }
  return parsed.data;
}
