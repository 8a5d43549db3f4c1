/**
 * Makes a checkout ready: npm packages, the command line compiled, TensorFlow, pretrained weights. What is there already is left alone.
 * Runs before anything is installed, so it is plain JavaScript without dependencies.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../core/cache-paths.mjs';
import { watchSignals } from './setup/cleanup.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { SetupError, UsageError } from './setup/errors.mjs';
import { linkCommand } from './setup/link-command.mjs';
import { parseOptions, USAGE } from './setup/options.mjs';
import { ensureProgram } from './setup/program.mjs';
import { say, since } from './setup/report.mjs';
import { ensureTensorflow } from './setup/tensorflow.mjs';
import { ensureWeights } from './setup/weights.mjs';

const OLDEST_NODE = [20, 9];

/** @param {import('./setup/options.mjs').Options} options */
async function setUp(options) {
  const start = performance.now();
  const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
  const modules = path.join(root, 'node_modules');
  const cache = cacheFolder(process.env, homedir(), process.platform);
  checkNode();
  await ensureDependencies(root);
  linkCommand(root);
  await ensureProgram(root);
  await ensureTensorflow({ cache, modules, platform: `${process.platform}-${process.arch}`, options });
  await ensureWeights({ cache, root, verify: options.verify });
  say(`Set-up: everything is there (${since(start)}).`);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Node ${process.versions.node} is too old: ${OLDEST_NODE.join('.')} or newer is needed. Install it, for example from nodejs.org, and run this again.`,
  );
}

watchSignals();
try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options.help) say(USAGE);
  else await setUp(options);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`Set-up failed. ${error.message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
