/**
 * The program of the container in which AWS Batch trains, or does a step of an import: `kindred` with the arguments of the job, watched for
 * the machine being taken away.
 *
 * What it reads of the environment is what AWS puts there: AWS_* (docs/aws.md), as the AWS SDK does.
 */
import { fileURLToPath } from 'node:url';
import { isOpen, readJob } from '../core/jobs/job.ts';
import { openStore } from '../core/storage/open.ts';
import { runContainer } from './trainings/container.ts';
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

/** Whether the job has ended, or somebody wants it to. */
async function isToEnd(uri: string, id: string): Promise<boolean> {
  const found = await readJob(openStore(uri), id);
  return !isOpen(found) || found.cancelRequested;
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
    // Of a job that is named, more than this container may have become since it was submitted.
    ...(job === undefined ? [] : ['--unattended']),
    ...(attempt > 1 && args[0] === 'train' && !args.includes('--resume') ? ['--resume'] : []),
  ],
  isToEnd: job === undefined || registry === undefined ? null : () => isToEnd(registry, job),
  watchNotice: (onNotice) => watchSpotNotice(environment, onNotice),
  say,
});
