/** How to reach S3. What is not given comes from the AWS client's own sources: environment, profile, machine. */
export interface S3Options {
  /** Address of another server than AWS', such as "http://127.0.0.1:9000". */
  readonly endpoint?: string;
  /** @default the configured one, else us-east-1; a bucket of another region is found */
  readonly region?: string;
  /** The bucket in the path instead of the host's name. @default with another server than AWS' */
  readonly pathStyle?: boolean;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** How often a request is sent before its failure is one, with growing pauses. @default the configured one, else 5 */
  readonly attempts?: number;
  /** Milliseconds for a connection to be made. @default 10 000 */
  readonly connectMs?: number;
  /** Milliseconds without a byte in either direction until a connection is given up. @default 30 000 */
  readonly silenceMs?: number;
}
