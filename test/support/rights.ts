/** What a role may do with the bucket and with parameters, told of requests as IAM tells it: emulators let everybody do everything. */
import { startFaultProxy } from './fault-proxy.ts';
import type { Fault, Seen } from './fault-proxy.ts';

export interface Statement {
  readonly Action: string | readonly string[];
  /** As text: what stands before the first "/" is the bucket, or says that it is a parameter. */
  readonly resources: readonly string[];
}

/** An action on a key or a parameter, or on the bucket as a whole (null). */
interface Asked {
  readonly action: string;
  readonly key: string | null;
}

export interface RightsProxy {
  readonly port: number;
  /** What was asked for, each once, as "action on key". */
  readonly allowed: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** A proxy before S3 and Parameter Store for one role, which answers 403 where the role lacks the right. */
export async function startRightsProxy(
  target: number,
  statements: readonly Statement[],
): Promise<RightsProxy> {
  const proxy = await startFaultProxy(target);
  const allowed = new Set<string>();
  const refused = new Set<string>();
  proxy.onRequest((request): Fault | undefined => {
    const asked = askedBy(request);
    const said = `${asked.action} on ${asked.key ?? 'the bucket'}`;
    const isAllowed = statements.some((statement) => allows(statement, asked));
    (isAllowed ? allowed : refused).add(said);
    return isAllowed ? undefined : { kind: 'answer', status: 403, code: 'AccessDenied' };
  });
  return { port: proxy.port, allowed, refused, stop: () => proxy.stop() };
}

/** Which right a request needs, as "Actions defined by Amazon S3" has it. Addresses have the bucket in their path. */
export function askedBy({ method, path, query, target, body }: Omit<Seen, 'attempt'>): Asked {
  const [, action] = /^AmazonSSM\.(\w+)$/.exec(target ?? '') ?? [];
  if (action !== undefined) {
    const { Path, Name = Path } = JSON.parse(body.toString()) as { Path?: string; Name?: string };
    return { action: `ssm:${action}`, key: String(Name).replace(/^\//, '') };
  }
  const [, , ...parts] = path.split('/').map(decodeURIComponent);
  const key = parts.join('/') || null;
  if (key === null) return { action: method === 'GET' ? 's3:ListBucket' : `${method} of a bucket`, key };
  if (method === 'GET' || method === 'HEAD') return { action: 's3:GetObject', key };
  if (method === 'DELETE')
    return { action: query.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject', key };
  // Parts of uploads, and their beginning and end, are puts, too.
  return { action: 's3:PutObject', key };
}

function allows({ Action, resources }: Statement, { action, key }: Asked): boolean {
  if (![Action].flat().includes(action)) return false;
  return resources.some((resource) => {
    const [, ...rest] = resource.split('/');
    const pattern = rest.length === 0 ? null : rest.join('/');
    return pattern === null || key === null ? pattern === key : matches(pattern, key);
  });
}

/** With "*" for anything, "/" among it. */
function matches(pattern: string, key: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(key);
}
