/** One entry of the log, written as a line of JSON. */
export type LogEntry = Readonly<Record<string, string | number | boolean | null>>;
