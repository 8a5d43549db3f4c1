/** The address: an HTTP API before a function, with limits, a log, and who may come in. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpStage,
  LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { accept } from './permissions.ts';

/** What tells nothing about anybody's pictures, and is asked by monitors without a token. */
const OPEN = ['/healthz', '/readyz', '/openapi.json', '/docs'];

export class KindredHttpApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(scope: Construct, id: string, { config, handler }: { config: Config; handler: IFunction }) {
    super(scope, id);
    const { auth, origins, requestsPerSecond, burst } = config.api;
    this.api = new HttpApi(this, 'Api', {
      description: 'Kindred',
      createDefaultStage: false,
      ...(origins.length > 0 && {
        corsPreflight: {
          allowOrigins: origins,
          allowMethods: [CorsHttpMethod.ANY],
          allowHeaders: ['authorization', 'content-type', 'idempotency-key', 'if-match', 'last-event-id'],
          exposeHeaders: ['etag', 'location', 'retry-after', 'x-request-id'],
        },
      }),
    });
    const integration = new HttpLambdaIntegration('Function', handler, {
      payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
    });
    const authorizer =
      auth.kind === 'jwt'
        ? new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: auth.audience })
        : new HttpNoneAuthorizer();
    const open = OPEN.flatMap((path) =>
      this.api.addRoutes({
        path,
        methods: [HttpMethod.GET],
        integration,
        authorizer: new HttpNoneAuthorizer(),
      }),
    );
    const routes = this.api.addRoutes({
      path: '/{proxy+}',
      methods: [HttpMethod.ANY],
      integration,
      authorizer,
    });
    for (const route of open)
      accept(
        route,
        'APIG4',
        'Monitors and readers of the description come without a token; nothing else is told there.',
      );
    if (auth.kind === 'tokens')
      for (const route of routes)
        accept(
          route,
          'APIG4',
          'The function itself looks at the bearer token of every request, against hashes in the registry.',
        );
    const logGroup = new LogGroup(this, 'AccessLog', {
      retention: config.retention.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: burst },
      accessLogSettings: { destination: new LogGroupLogDestination(logGroup), format: ACCESS_LOG },
    });
    this.url = stage.url;
  }
}

const ACCESS_LOG = AccessLogFormat.custom(
  JSON.stringify({
    requestId: AccessLogField.contextRequestId(),
    at: AccessLogField.contextRequestTime(),
    method: AccessLogField.contextHttpMethod(),
    path: AccessLogField.contextPath(),
    status: AccessLogField.contextStatus(),
    milliseconds: AccessLogField.contextResponseLatency(),
    bytes: AccessLogField.contextResponseLength(),
    ip: AccessLogField.contextIdentitySourceIp(),
    error: AccessLogField.contextErrorMessage(),
  }),
);
