/** What roles may do. A wildcard needs its reason, written where it is granted; cdk-nag is told that reason. */
import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Record<string, Record<string, string>>;
  /** Why no narrower resource can be named. */
  readonly why?: string;
}

/** @throws Error when there is a wildcard without a reason */
export function permit(role: Role, permissions: readonly Permission[]): void {
  for (const { actions, resources, conditions, why } of permissions) {
    role.addToPolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions !== undefined && { conditions }),
      }),
    );
    if (why !== undefined) acceptWildcards(role, resources, why);
    else if (resources.some((resource) => resource.includes('*')))
      throw new Error(`${role.node.path}: ${actions.join(', ')} on ${resources.join(', ')} needs a reason`);
  }
}

/** For wildcards that the library puts into the policy of `scope` itself. */
export function acceptWildcards(scope: IConstruct, resources: readonly string[], reason: string): void {
  // References to other stacks have their final form only when everything is there.
  scope.node.addValidation({
    validate: () => {
      for (const resource of resources) {
        const id = `AwsSolutions-IAM5[Resource::${flat(Stack.of(scope).resolve(resource))}]`;
        Validations.of(scope).acknowledge({ id, reason });
      }
      return [];
    },
  });
}

/** Any rule of cdk-nag that does not hold here, with the reason. */
export function accept(scope: IConstruct, id: string, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-${id}`, reason });
}

/** A reference as cdk-nag writes it: `<Logical.Arn>/models/*`. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[kind, of] = []] = Object.entries(value as Record<string, unknown>);
  if (kind === 'Fn::Join') {
    const [delimiter, items] = of as [string, unknown[]];
    return items.map(flat).join(delimiter);
  }
  if (kind === 'Fn::GetAtt') return `<${(of as string[]).join('.')}>`;
  if (kind === 'Fn::ImportValue') return flat(of);
  if (kind === 'Ref') return `<${String(of)}>`;
  return JSON.stringify(value);
}
