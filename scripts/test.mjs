/**
 * Runs the tests with node:test through tsx. Files are listed here because Node 20's --test knows no patterns.
 *
 * `npm test` runs all; `npm test -- storage cli/train` those whose path holds one of the words; what starts with "-" goes to Node.
 * The variable KINDRED_FAILED_TESTS names a file that gets the names of the files with failures.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file that hangs is ended and named; the slowest takes a minute on a machine that does nothing else. */
const PATIENCE_MS = 15 * 60_000;

/** Node 20.9 and 20.10 do not have that flag. */
function knowsTimeout() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 20 || minor > 10;
}

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const words = args.filter((arg) => !arg.startsWith('-'));
const flags = args.filter((arg) => arg.startsWith('-'));

const files = readdirSync(path.join(root, 'test'), { recursive: true })
  .map((name) => path.join('test', String(name)))
  .filter((name) => name.endsWith('.test.ts') && !name.includes('fixtures'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .toSorted();

if (files.length === 0) {
  process.stderr.write(
    `No test file under test/ has ${words.map((word) => `"${word}"`).join(' or ')} in its path.\n`,
  );
  process.exitCode = 1;
} else {
  const failed = process.env['KINDRED_FAILED_TESTS'];
  const reporters =
    failed === undefined
      ? []
      : [
          `--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`,
          '--test-reporter-destination=stdout',
          '--test-reporter=./scripts/failed-files.mjs',
          `--test-reporter-destination=${failed}`,
        ];
  const usual = ['--test-concurrency=2', ...(knowsTimeout() ? [`--test-timeout=${PATIENCE_MS}`] : [])];
  const added = usual.filter((flag) => !flags.some((own) => own.startsWith(flag.split('=')[0] ?? flag)));
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--test', ...added, ...reporters, ...flags, ...files],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}
