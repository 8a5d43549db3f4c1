/** What an error of the AWS client about parameters means. */
import { KindredError } from '../../errors.ts';
import { CREDENTIALS, failureOf, unreached } from '../../storage/aws-failure.ts';
import { quote } from '../../storage/keys.ts';
import { reasonOf } from '../../storage/reason.ts';
import { StorageError } from '../../storage/storage-error.ts';

/** Which right each of them needs. */
const RIGHTS = {
  create: 'ssm:PutParameter',
  read: 'ssm:GetParameter',
  list: 'ssm:GetParametersByPath',
  delete: 'ssm:DeleteParameter',
} as const;
export type Action = keyof typeof RIGHTS;

const ADVICE: Record<string, string> = {
  ...unreached('AWS_ENDPOINT_URL_SSM'),
  UnrecognizedClientException: `the access key is not known there. ${CREDENTIALS}`,
  InvalidSignatureException: `the secret key is wrong, or this machine's clock. ${CREDENTIALS}`,
  ExpiredTokenException: 'the credentials have expired. Get new ones',
  ThrottlingException: 'AWS asks to slow down. Try again later',
  ParameterLimitExceeded: 'the account has as many parameters as it may. Revoke tokens that are not used',
};

export const isThere = (error: unknown): boolean => failureOf(error).code === 'ParameterAlreadyExists';
export const isAbsent = (error: unknown): boolean => failureOf(error).code === 'ParameterNotFound';

/** Turns an error of the AWS client about `place` into one that says what to do; errors of Kindred pass unchanged. */
export function explain(error: unknown, action: Action, place: string): unknown {
  if (error instanceof KindredError || !(error instanceof Error)) return error;
  const { code, status, attempts } = failureOf(error);
  const advice = ADVICE[code] ?? adviceOf(error, code, action);
  const tried = attempts > 1 ? `, ${attempts} attempts` : '';
  const answer = status === undefined ? code : `${code}, HTTP ${status}`;
  const isOpen = action === 'create' && (status === undefined || status >= 500);
  const doubt = isOpen ? ' Something may have been kept all the same; "kindred tokens list" shows it.' : '';
  return new StorageError(`Cannot ${action} ${quote(place)}: ${advice} (${answer}${tried}).${doubt}`, {
    cause: error,
  });
}

function adviceOf(error: Error, code: string, action: Action): string {
  if (code === 'AccessDeniedException')
    return `access is denied. Give these credentials ${RIGHTS[action]} there`;
  if (error.message === 'Region is missing') return 'no region is set. Set AWS_REGION';
  return reasonOf(error);
}
