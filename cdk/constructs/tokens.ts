/** Where the hashes of Kindred's tokens are: parameters below the deployment's name, which people make with "kindred tokens". */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Config } from '../config.ts';
import type { Permission } from './permissions.ts';

/** As the commands and the functions take it. */
export function tokensAddress({ name }: Config): string {
  return `ssm:///${name}/tokens`;
}

/** To read them all, and nothing else. */
export function tokenPermissions(scope: Construct, { name }: Config): Permission[] {
  const stack = Stack.of(scope);
  const arn = (service: string, resource: string, resourceName: string): string =>
    stack.formatArn({ service, resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  const path = arn('ssm', 'parameter', `${name}/tokens`);
  return [
    // It is asked with the path, and the right to a path is the right to what is below it.
    { actions: ['ssm:GetParametersByPath'], resources: [path] },
    {
      actions: ['kms:Decrypt'],
      resources: [arn('kms', 'key', '*')],
      conditions: {
        StringEquals: { 'kms:ViaService': `ssm.${stack.region}.${stack.urlSuffix}` },
        StringLike: { 'kms:EncryptionContext:PARAMETER_ARN': `${path}/*` },
        'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/aws/ssm' },
      },
      why: 'AWS makes the key aws/ssm with the first parameter, under an id that nobody knows before; by the conditions it is that key alone, through Parameter Store, for these parameters.',
    },
  ];
}
