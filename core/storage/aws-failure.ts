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
