/**
 * What CloudWatch counts in the logs: which entries, and which number of each. What writes them is in functions/, whose tests hold the
 * entries against this; it imports nothing, so that they can.
 */
export const LOG_PATTERNS = {
  /** Lambda's own entry of a call that had to start a process. */
  ColdStartMs: {
    pattern: '{ $.type = "platform.report" && $.record.metrics.initDurationMs > 0 }',
    value: '$.record.metrics.initDurationMs',
  },
  Pictures: { pattern: '{ $.pictures >= 0 }', value: '$.pictures' },
  Unknown: { pattern: '{ $.unknown >= 0 }', value: '$.unknown' },
  EngineSeconds: { pattern: '{ $.engineSeconds >= 0 }', value: '$.engineSeconds' },
  /** In the log of ingest. */
  Rejected: { pattern: '{ $.outcome = "rejected" }', value: '1' },
} as const;
