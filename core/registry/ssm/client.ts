/** The requests to Parameter Store of AWS Systems Manager, in our own words. The only file that imports its client. */
import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';

/** How to reach it. What is not given comes from the AWS client's own sources: environment, profile, machine. */
export interface SsmOptions {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface Parameter {
  readonly name: string;
  /** Another one whenever the value is, also when the parameter was deleted and made again. */
  readonly mark: string;
  /** Encrypted, unless it was asked for otherwise. */
  readonly value: string;
}

export interface Page {
  readonly found: readonly Parameter[];
  readonly next: string | null;
}

/** Parameters that are encrypted with the account's key for them (aws/ssm). Failures are the AWS client's, after its retries. */
export interface Parameters {
  /** Fails with ParameterAlreadyExists when there is one. */
  create(name: string, value: string): Promise<void>;
  /** Fails with ParameterNotFound when there is none. */
  get(name: string): Promise<string>;
  /** Those right below the path; a page may be empty though there is a next one. */
  page(path: string, isDecrypted: boolean, token: string | null): Promise<Page>;
  /** Fails with ParameterNotFound when there is none. */
  delete(name: string): Promise<void>;
}

/** The most that it gives at once. */
const PAGE = 10;
/** Milliseconds: requests wait for who is known. */
const CONNECT_MS = 3000;
const SILENCE_MS = 5000;

/** Nothing is sent yet. */
export function openParameters(options: SsmOptions): Parameters {
  const client = new SSMClient({
    ...options,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
  });
  return {
    async create(name, value) {
      // The tier that costs nothing, whatever the account has as its default.
      const how = { Type: 'SecureString', Tier: 'Standard', Overwrite: false } as const;
      await client.send(new PutParameterCommand({ Name: name, Value: value, ...how }));
    },

    async get(name) {
      const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
      return Parameter?.Value ?? '';
    },

    async page(path, isDecrypted, token) {
      const { Parameters = [], NextToken } = await client.send(
        new GetParametersByPathCommand({
          Path: path,
          Recursive: false,
          WithDecryption: isDecrypted,
          MaxResults: PAGE,
          ...(token !== null && { NextToken: token }),
        }),
      );
      return {
        found: Parameters.map(({ Name = '', Value = '', Version, LastModifiedDate }) => {
          return { name: Name, mark: `${Version} ${LastModifiedDate?.toISOString()}`, value: Value };
        }),
        next: NextToken === undefined || NextToken === '' ? null : NextToken,
      };
    },

    async delete(name) {
      await client.send(new DeleteParameterCommand({ Name: name }));
    },
  };
}
