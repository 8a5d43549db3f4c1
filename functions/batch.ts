/**
 * The program of the container in which AWS Batch trains, or does a step of an import: `kindred` with the arguments of the job, watched for
 * the machine being taken away.
 *
 * What it reads of the environment is what AWS puts there: AWS_* (docs/aws.md), as the AWS SDK does.
 */
import { fileURLToPath } from 'node:url';
import { openStore } from '../core/storage/open.ts';
import { runContainer } from './trainings/container.ts';
import type { Requeue } from './trainings/container.ts';
import { isToEnd, requeue } from './trainings/requeue.ts';
import { watchSpotNotice } from './trainings/spot-notice.ts';

const args = process.argv.slice(2);
const environment = process.env;
const say = (text: string): void => void process.stderr.write(`${text}\n`);
environment['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

/** What follows a flag. */
function after(flag: string): string | undefined {
  const at = args.indexOf(flag);
  const value = at < 0 ? undefined : args[at + 1];
  return value?.startsWith('-') ? undefined : value;
}

const job = after('--resume');
const registry = after('--registry');
const attempt = Number(environment['AWS_BATCH_JOB_ATTEMPT'] ?? 1);
const step = after('--step');
/** A step of an import that others do at the same time leaves the job as it is when it is stopped. */
const hasJob = step === undefined || step === 'publish';

function inRegistry(uri: string, id: string): Requeue {
  const store = openStore(uri);
  return {
    isToEnd: () => isToEnd(store, id),
    requeue: async () => (hasJob ? requeue(store, id) : undefined),
  };
}

/** Which part a container of an array embeds is its index; a plain job has the only part there is. */
function partArgs(): string[] {
  if (step !== 'embed' || args.includes('--part')) return [];
  return ['--part', environment['AWS_BATCH_JOB_ARRAY_INDEX'] ?? '0'];
}

process.exitCode = await runContainer({
  // Whoever submitted `train DATASET` does not know the id of its job; a later attempt finds it.
  command: [
    fileURLToPath(new URL('../bin/kindred.mjs', import.meta.url)),
    ...args,
    ...partArgs(),
    ...(attempt > 1 && args[0] === 'train' && !args.includes('--resume') ? ['--resume'] : []),
  ],
  requeue: job === undefined || registry === undefined ? null : inRegistry(registry, job),
  watchNotice: (onNotice) => watchSpotNotice(environment, onNotice),
  say,
});
