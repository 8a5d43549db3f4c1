import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { App } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { parseConfig } from '../../cdk/config.ts';
import { kindredOn } from '../../cdk/kindred.ts';
import type { Kindred } from '../../cdk/kindred.ts';
import type { Statement } from '../support/rights.ts';

const SETTINGS = new URL('../../cdk.json', import.meta.url);

/** A deployment, made in this process: no account, network or Docker is asked. */
export interface Synthesised {
  /** Where the templates are. */
  readonly folder: string;
  readonly template: (stack: keyof Kindred) => Template;
  /** What cdk-nag's AwsSolutions finds, as "rule at construct". */
  readonly findings: readonly string[];
  readonly remove: () => void;
}

/** @param chosen the configuration, apart from the package of the functions: a placeholder stands for it */
export function synthesise(chosen: Readonly<Record<string, unknown>> = {}): Synthesised {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-cdk-'));
  for (const architecture of ['arm64', 'x64']) {
    mkdirSync(path.join(folder, 'package', architecture), { recursive: true });
    writeFileSync(path.join(folder, 'package', architecture, 'api.mjs'), '');
  }
  const { context } = JSON.parse(readFileSync(SETTINGS, 'utf8')) as { context: Record<string, unknown> };
  const app = new App({ outdir: path.join(folder, 'out'), context });
  const stacks = kindredOn(app, parseConfig({ ...chosen, bundle: path.join(folder, 'package') }));
  app.synth();
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return {
    folder: path.join(folder, 'out'),
    template: (stack) => Template.fromStack(stacks[stack] as Stack),
    findings: violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map((resource) => `${ruleName} at ${JSON.stringify(resource)}`),
    ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

/** All resources of a type, by logical name. */
export function resourcesOf(template: Template, type: string): Record<string, Resource> {
  return template.findResources(type) as Record<string, Resource>;
}

/** The only resource of a type. */
export function onlyResource(template: Template, type: string): Resource {
  const [found, ...others] = Object.values(resourcesOf(template, type));
  if (found === undefined || others.length > 0)
    throw new Error(`${others.length + (found ? 1 : 0)} of ${type}`);
  return found;
}

/** Something of a template as text: what refers to other things gets their names. */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  const [[kind, of] = []] = Object.entries(value);
  if (kind === 'Fn::Join') {
    const [delimiter, parts] = of as [string, unknown[]];
    return parts.map(text).join(delimiter);
  }
  if (kind === 'Fn::GetAtt') return (of as string[]).join('.');
  if (kind === 'Fn::ImportValue') return text(of).replace(/^.*:ExportsOutput(?:Ref|FnGetAtt)/, '');
  if (kind === 'Fn::Sub' || kind === 'Ref') return text(of);
  return JSON.stringify(value);
}

/** What a role may do with the bucket. @param role how its name begins */
export function bucketRights(made: Synthesised, stack: keyof Kindred, role: string): Statement[] {
  return Object.entries(resourcesOf(made.template(stack), 'AWS::IAM::Policy'))
    .filter(([name]) => name.startsWith(role))
    .flatMap(([, { Properties }]) => {
      const { Statement: all } = Properties['PolicyDocument'] as {
        Statement: { Action: Statement['Action']; Resource: unknown }[];
      };
      return all.map(({ Action, Resource }) => ({ Action, resources: [Resource].flat().map(text) }));
    });
}
