/** The app that the CDK's command runs: the configuration is the context "kindred", or the JSON file that it names. */
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { ConfigError, parseConfig } from './config.ts';
import { kindredOn } from './kindred.ts';

const app = new App();
try {
  const chosen: unknown = app.node.tryGetContext('kindred') ?? {};
  kindredOn(app, parseConfig(typeof chosen === 'string' ? JSON.parse(readFileSync(chosen, 'utf8')) : chosen));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
