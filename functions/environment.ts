/**
 * All that the functions read from their environment. The test of the stacks holds the template against these schemas, so that code and
 * stack cannot disagree; nothing else in functions/ reads process.env. What is named AWS_* is read by the AWS SDK and Lambda's runtime.
 *
 * Loads nothing but zod.
 */
import { z } from 'zod';
import { InvalidInputError } from '../core/errors.ts';

/** Text of a whole number. */
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'a whole number')
    .transform(Number)
    .pipe(z.int().min(least).max(most));

const MIB = 1024 * 1024;

const common = {
  KINDRED_REGISTRY: z
    .string()
    .regex(/^s3:\/\/[^/]+/, 's3://BUCKET or s3://BUCKET/PREFIX')
    .meta({ description: 'where the registry is' }),
  KINDRED_LOG_LEVEL: z
    .enum(['info', 'warning', 'error'])
    .default('info')
    .meta({ description: 'what is not worth less than this goes into the log' }),
  KINDRED_VERSIONS: whole(2, 16)
    .default(2)
    .meta({ description: 'how many versions may be in memory at once' }),
  KINDRED_CACHE: z
    .string()
    .startsWith('/', 'a whole path')
    .default('/tmp/kindred')
    .meta({ description: 'the folder for copies of model files' }),
  KINDRED_CACHE_BYTES: whole(0, 10_240 * MIB)
    .default(400 * MIB)
    .meta({ description: 'how much these may take; less than the function’s ephemeral storage' }),
  KINDRED_S3_PATH_STYLE: z
    .enum(['0', '1'])
    .optional()
    .meta({ description: 'as for the command line: the bucket in the path of addresses' }),
};

/** What `functions/api.ts` reads. */
const api = z.object({
  ...common,
  KINDRED_AUTH: z.enum(['tokens', 'authorizer']).meta({
    description:
      'who may ask: whoever has a token ("kindred tokens"), or whom a JWT authorizer of API Gateway let through, by the scopes of the token',
  }),
  KINDRED_TOKENS: z
    .string()
    .regex(/^ssm:\/\/\/[^/]+/, 'ssm:///PATH')
    .optional()
    .meta({ description: 'where tokens are kept, in Parameter Store; unset: in the registry' }),
  KINDRED_SCOPES_CLAIM: z
    .string()
    .default('scope')
    .meta({ description: 'with an authorizer: the claim that has the scopes, as words or as a list' }),
  KINDRED_SCOPE_PREFIX: z
    .string()
    .default('')
    .meta({ description: 'what the names of scopes begin with there, such as "kindred/"' }),
  KINDRED_MODEL: z
    .string()
    .max(63)
    .optional()
    .meta({ description: 'the model that is asked where none is named; unset: the only one there is' }),
  KINDRED_PICTURE_BYTES: whole(1, 1024 * MIB)
    .default(32 * MIB)
    .meta({ description: 'bytes of one picture; a request to Lambda as a whole takes 6 MB' }),
  KINDRED_SECONDS: whole(1, 29)
    .default(28)
    .meta({ description: 'by when a request is answered; less than the function’s time-out' }),
  KINDRED_PICTURES: whole(1, 256).default(16).meta({ description: 'pictures in one request' }),
  KINDRED_LOOK_MS: whole(0, 3_600_000)
    .default(2000)
    .meta({ description: 'how old what is known of aliases and galleries may be, in milliseconds' }),
  KINDRED_GPU_QUEUE: z
    .string()
    .optional()
    .meta({ description: 'the job queue of AWS Batch that trains on GPUs, by name or ARN' }),
  KINDRED_GPU_JOB: z.string().optional().meta({ description: 'the name of the job definition for it' }),
  KINDRED_CPU_QUEUE: z
    .string()
    .optional()
    .meta({ description: 'the queue that trains without; with neither, no training can be started' }),
  KINDRED_CPU_JOB: z.string().optional().meta({ description: 'the name of the job definition for it' }),
  KINDRED_IMPORT_QUEUE: z
    .string()
    .optional()
    .meta({ description: 'the queue that embeds pictures for galleries; unset: no import can be started' }),
  KINDRED_IMPORT_JOB: z.string().optional().meta({ description: 'the name of the job definition for it' }),
  KINDRED_SMALL_PICTURES: whole(0, 1_000_000_000)
    .default(300)
    .meta({ description: 'with both queues: data sets of up to so many pictures are trained without a GPU' }),
});

/** What `functions/ingest.ts` reads. */
const ingest = z.object({ ...common });

/** By the function that reads it. */
export const environmentSchemas = { api, ingest };

export type ApiEnvironment = z.infer<typeof api>;
export type IngestEnvironment = z.infer<typeof ingest>;

/** @throws InvalidInputError naming every variable that is wrong */
export function apiEnvironment(environment: NodeJS.ProcessEnv = process.env): ApiEnvironment {
  return parsed(api, environment);
}

/** @throws InvalidInputError naming every variable that is wrong */
export function ingestEnvironment(environment: NodeJS.ProcessEnv = process.env): IngestEnvironment {
  return parsed(ingest, environment);
}

function parsed<T>(schema: z.ZodType<T>, environment: NodeJS.ProcessEnv): T {
  // A template that leaves a parameter empty means that it is not set.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(
    ({ path, message }) => `${path.join('.')} is ${JSON.stringify(given[String(path[0])])} (${message})`,
  );
  throw new InvalidInputError(`The function's environment is not right: ${wrong.join('; ')}.`);
}
