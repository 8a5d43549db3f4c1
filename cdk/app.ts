/** The app that the CDK's command runs: the configuration is the context "kindred", or the JSON file that it names. */
import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { ConfigError, parseConfig } from './config.ts';
import { kindredOn } from './kindred.ts';

const app = new App();
try {
  kindredOn(app, parseConfig(chosenIn(app.node.tryGetContext('kindred') ?? {})));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** @throws ConfigError when it is the name of a file that is not there, or not JSON */
function chosenIn(context: unknown): unknown {
  if (typeof context !== 'string') return context;
  try {
    return JSON.parse(readFileSync(context, 'utf8')) as unknown;
  } catch (error) {
    throw new ConfigError(`The configuration ${context} cannot be read: ${(error as Error).message}`);
  }
}
