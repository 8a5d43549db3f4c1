/** What an error of the AWS client means. */
import { CorruptDataError, InvalidInputError, KindredError } from '../../errors.ts';
import { CREDENTIALS, failureOf, unreached } from '../aws-failure.ts';
import { quote } from '../keys.ts';
import { reasonOf } from '../reason.ts';
import { StorageError } from '../storage-error.ts';

/** The object (and not its bucket) does not exist. */
export function isAbsent(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return status === 404 && code !== 'NoSuchBucket' && code !== 'NoSuchUpload';
}

/** A condition of a write or a read did not hold. */
export function isRefused(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return status === 412 || code === 'PreconditionFailed';
}

/** Somebody writes the same key at this moment; S3 asks to try again. */
export function isContended(error: unknown): boolean {
  const { code, status } = failureOf(error);
  return status === 409 && (code === 'ConditionalRequestConflict' || code === 'OperationAborted');
}

/** What arrived is not what was sent; trying again helps if it was the line. */
export function isDamaged(error: unknown): boolean {
  const { code } = failureOf(error);
  return (
    code === 'BadDigest' || code === 'XAmzContentChecksumMismatch' || code === 'XAmzContentSHA256Mismatch'
  );
}

/** The AWS client's error at the end of a body whose checksum is not the one that S3 gave. */
export function isChecksumMismatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('Checksum mismatch');
}

/** Whether the request may have been carried out although it failed. */
export function isUnknown(error: unknown): boolean {
  const { code, status } = failureOf(error);
  if (code === 'CredentialsProviderError' || error instanceof KindredError) return false;
  return status === undefined || status >= 500 || status === 408 || code === 'NoSuchUpload';
}

const REGION = 'Set AWS_REGION to the region of the bucket';

const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

const ADVICE: Record<string, string> = {
  ...unreached('AWS_ENDPOINT_URL_S3'),
  NoSuchBucket: 'there is no such bucket. Make it first, or check its name and the address of the server',
  InvalidAccessKeyId: `the access key is not known there. ${CREDENTIALS}`,
  SignatureDoesNotMatch: `the secret key is wrong. ${CREDENTIALS}`,
  ExpiredToken: 'the credentials have expired. Get new ones',
  RequestTimeTooSkewed: "this machine's clock is wrong. Set it",
  PermanentRedirect: `the bucket is in another region. ${REGION}`,
  AuthorizationHeaderMalformed: `the bucket is in another region. ${REGION}`,
  NoSuchUpload: 'the upload was ended by somebody else. Run it again',
};

const BY_STATUS: Record<number, string> = {
  301: `the bucket is in another region. ${REGION}`,
  403:
    'access is denied. Give these credentials the rights on the bucket (without s3:ListBucket, S3 says so of what ' +
    'does not exist, too)',
  429: 'the server asks to slow down. Try again later',
  503: 'the server asks to slow down. Try again later',
};

/** Turns an error of the AWS client about `place` into one that says what to do; errors of Kindred pass unchanged. */
export function explain(
  error: unknown,
  action: 'read' | 'write' | 'list' | 'delete',
  place: string,
): unknown {
  if (error instanceof KindredError || !(error instanceof Error)) return error;
  const { code, status, attempts } = failureOf(error);
  if (isDamaged(error)) {
    return new StorageError(
      `Cannot ${action} ${quote(place)}: what arrives at the server is not what was sent (${code}). Check the network between.`,
      { cause: error },
    );
  }
  if (code === 'KeyTooLongError') {
    return new InvalidInputError(`Cannot ${action} ${quote(place)}: S3 takes no key of this length.`, {
      cause: error,
    });
  }
  const advice = ADVICE[code] ?? (status === undefined ? undefined : BY_STATUS[status]) ?? reasonOf(error);
  const tried = attempts > 1 ? `, ${attempts} attempts` : '';
  const answer = status === undefined ? code : `${code}, HTTP ${status}`;
  const isOpen = action === 'write' && isUnknown(error) && !UNSENT.has(code);
  const doubt = isOpen ? ' It may have been written all the same.' : '';
  return new StorageError(`Cannot ${action} ${quote(place)}: ${advice} (${answer}${tried}).${doubt}`, {
    cause: error,
  });
}

/** The error for content that is not what was stored. */
export function damaged(place: string, reason: string, cause?: unknown): CorruptDataError {
  return new CorruptDataError(
    `${quote(place)} is damaged: ${reason}. Read it again; if that does not help, restore it from a backup.`,
    { cause },
  );
}
