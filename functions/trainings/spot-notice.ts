/**
 * The notice that a Spot instance is about to be taken away, which the machine's metadata service gives two minutes before. On Fargate there
 * is none: it sends SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 5000;
const ANSWER_MS = 2000;
/** A machine that has not answered so often has no such service. */
const FAILURES = 3;

/** Calls back once. @returns what ends the watch */
export function watchSpotNotice(environment: NodeJS.ProcessEnv, onNotice: () => void): () => void {
  const controller = new AbortController();
  const { AWS_EXECUTION_ENV: where, AWS_EC2_METADATA_DISABLED: disabled } = environment;
  if (where === 'AWS_ECS_EC2' && disabled !== 'true') {
    const address = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? 'http://169.254.169.254';
    void watch(address, controller.signal, onNotice);
  }
  return () => controller.abort();
}

async function watch(address: string, signal: AbortSignal, onNotice: () => void): Promise<void> {
  let failures = 0;
  while (!signal.aborted && failures < FAILURES) {
    try {
      if (await isGiven(address, signal)) return onNotice();
      failures = 0;
    } catch {
      failures++;
    }
    await sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** IMDSv2: first a token, then what is asked; 404 when there is no such notice. */
async function isGiven(address: string, signal: AbortSignal): Promise<boolean> {
  const within = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const asked = await fetch(new URL('/latest/api/token', address), {
    method: 'PUT',
    headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
    signal: within(),
  });
  if (!asked.ok) throw new Error(`no token: ${asked.status}`);
  const { status } = await fetch(new URL('/latest/meta-data/spot/instance-action', address), {
    headers: { 'X-aws-ec2-metadata-token': await asked.text() },
    signal: within(),
  });
  if (status !== 200 && status !== 404) throw new Error(`no answer: ${status}`);
  return status === 200;
}
