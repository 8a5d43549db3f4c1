/** Events as AWS sends them. */

/** What S3 says through EventBridge: the key as it is. */
export function throughEventBridge(bucket: string, key: string, type = 'Object Created'): unknown {
  return {
    version: '0',
    id: '17793124-05d4-b198-2fde-7ededc63b103',
    'detail-type': type,
    source: 'aws.s3',
    account: '111122223333',
    time: '2026-11-24T00:00:00Z',
    region: 'us-east-1',
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size: 5, etag: 'b1946ac92492d2347c6235b4d2611184', sequencer: '00617F08299329D189' },
      'request-id': 'N4N7GDK58NMKJ12R',
      requester: '123456789012',
      reason: 'PutObject',
    },
  };
}

/** What S3 says itself: the key encoded as in a form. */
export function fromS3(bucket: string, key: string, kind = 'ObjectCreated:Put'): unknown {
  const encoded = encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'us-east-1',
        eventTime: '2026-11-24T00:00:00.000Z',
        eventName: kind,
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: encoded,
            size: 5,
            eTag: 'b1946ac92492d2347c6235b4d2611184',
            sequencer: '00617F08299329D189',
          },
        },
      },
    ],
  };
}

export interface HttpAsked {
  readonly method?: string;
  /** As an HTTP API hands it on: decoded. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** What a JWT authorizer found. */
  readonly claims?: Readonly<Record<string, string>>;
}

/** A request as an HTTP API hands it on, payload format 2.0. */
export function httpEvent({
  method = 'GET',
  path,
  query = '',
  headers = {},
  body,
  claims,
}: HttpAsked): unknown {
  const domainName = 'abcdefghij.execute-api.eu-central-1.amazonaws.com';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers: { host: domainName, 'x-forwarded-proto': 'https', ...headers },
    requestContext: {
      accountId: '111122223333',
      apiId: 'abcdefghij',
      domainName,
      domainPrefix: 'abcdefghij',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:00:00:00 +0000',
      timeEpoch: 1795478400000,
      ...(claims === undefined ? {} : { authorizer: { jwt: { claims, scopes: null } } }),
    },
    ...(body === undefined
      ? { isBase64Encoded: false }
      : { isBase64Encoded: true, body: Buffer.from(body).toString('base64') }),
  };
}

/** A batch of messages as SQS hands them on. */
export function sqsEvent(bodies: readonly unknown[]): unknown {
  return {
    Records: bodies.map((body, i) => ({
      messageId: `message-${i + 1}`,
      receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      attributes: { ApproximateReceiveCount: '1' },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:111122223333:ingest',
      awsRegion: 'eu-central-1',
    })),
  };
}
