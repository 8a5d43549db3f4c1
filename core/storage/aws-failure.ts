/** An error of the AWS client, as far as it can be told. */
export interface Failure {
  /** The service's own word for it, or the network's. */
  readonly code: string;
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  readonly attempts: number;
}

export function failureOf(error: unknown): Failure {
  const { name, code, $metadata } = (error ?? {}) as {
    name?: string;
    code?: unknown;
    $metadata?: { httpStatusCode?: number; attempts?: number };
  };
  // The client calls several things a time-out; the system's own code says more.
  const isOfSystem = typeof code === 'string' && /^E[A-Z_]+$/.test(code);
  return {
    code: isOfSystem ? code : (name ?? ''),
    status: $metadata?.httpStatusCode,
    attempts: $metadata?.attempts ?? 1,
  };
}

export const CREDENTIALS = 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile';

/** What to do about what keeps any service of AWS from being reached. @param address the variable that may name another one */
export function unreached(address: string): Readonly<Record<string, string>> {
  const network = `Check the network and the address (${address}, if set), and run it again`;
  return {
    CredentialsProviderError: `no credentials were found. ${CREDENTIALS}`,
    TimeoutError: `no answer came in time. ${network}`,
    ETIMEDOUT: `no answer came in time. ${network}`,
    ECONNREFUSED: `nobody answers there. ${network}`,
    ENOTFOUND: `the host is not known. ${network}`,
    EAI_AGAIN: `the host is not known at the moment. ${network}`,
    ECONNRESET: `the connection was cut. ${network}`,
    EPIPE: `the connection was cut. ${network}`,
  };
}
