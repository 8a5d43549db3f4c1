/** Why a job of AWS Batch ended without its program noting why. */
import type { JobDetail } from '@aws-sdk/client-batch';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

type Ended = Partial<Pick<JobDetail, 'statusReason' | 'container' | 'attempts'>>;

const KNOWN: readonly (readonly [RegExp, string, string])[] = [
  [
    /CannotPull|ImagePull|manifest.*(unknown|not found)|repository .*not (exist|found)/i,
    'image-missing',
    'The image could not be fetched. Deploy the training stack again, or look at the image that is named in the configuration.',
  ],
  [
    /assume the role|unable to assume|not authorized|AccessDenied/i,
    'wrong-role',
    'A role lacks rights or is not there. Deploy the training stack again.',
  ],
  [
    /OutOfMemory/i,
    'out-of-memory',
    'It needs more memory than the job definition gives it. Raise memoryMb, or take smaller pictures ("size").',
  ],
  [
    /attempt duration exceeded|exceeded timeout/i,
    'timed-out',
    'Raise "hours" in the configuration, or train with fewer epochs.',
  ],
  [
    /^Host EC2|Spot Task was interrupted/i,
    'interrupted',
    'Its machine was taken away more often than attempts are made.',
  ],
];

/** What is in the detail of a job that has failed, in words. */
export function failureOf({ statusReason = '', container, attempts = [] }: Ended): Failure {
  const last = attempts.at(-1);
  const reasons = [container?.reason, last?.container?.reason, statusReason, last?.statusReason].filter(
    (text): text is string => text !== undefined && text !== '',
  );
  const said = [...new Set(reasons)].join('; ');
  const known = KNOWN.find(([pattern]) => reasons.some((text) => pattern.test(text)));
  const exit = container?.exitCode ?? last?.container?.exitCode;
  const facts = [said, exit === undefined ? '' : `exit status ${exit}`]
    .filter((text) => text !== '')
    .join('; ');
  const what = facts === '' ? 'its container ended without a word' : `Batch says: ${facts}`;
  const code = known?.[1] ?? (exit === 137 ? 'out-of-memory' : 'unexpected');
  return { code, message: known === undefined ? what : `${what}. ${known[2]}` };
}
