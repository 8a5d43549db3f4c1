/** The address: an HTTP API before a function, with limits, a log, and who may come in. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
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

/**
 * What the interface has. Not ANY, which would take the questions that browsers ask before a request of another origin as well (OPTIONS):
 * they come without a token and would be refused, while API Gateway answers them where no route does.
 */
const METHODS = [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.PUT, HttpMethod.DELETE];

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
          allowHeaders: [...ASKED],
          maxAge: Duration.hours(1),
          exposeHeaders: ['etag', 'location', 'retry-after', 'www-authenticate', 'x-request-id'],
        },
      }),
    });
    const integration = new HttpLambdaIntegration('Function', handler, {
      payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      // One right for all routes of this API instead of one for each.
      scopePermissionToRoute: false,
    });
    const authorizer =
      auth.kind === 'jwt'
        ? new HttpJwtAuthorizer('Jwt', auth.issuer, { jwtAudience: auth.audience })
        : new HttpNoneAuthorizer();
    const open = OPEN.flatMap((path) =>
      this.api.addRoutes({
        path,
        methods: [HttpMethod.GET, HttpMethod.HEAD],
        integration,
        authorizer: new HttpNoneAuthorizer(),
      }),
    );
    const routes = this.api.addRoutes({
      path: '/{proxy+}',
      methods: METHODS,
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

/** Fields of requests that the interface heeds, besides those that pages may send anyway. */
const ASKED = [
  'authorization',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'x-request-id',
] as const;

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
    // Why a token was refused, and why the function did not answer: the function's own log knows of neither.
    authorizer: AccessLogField.contextAuthorizerError(),
    integration: AccessLogField.contextIntegrationErrorMessage(),
  }),
);
