/**
 * Makes the packages that the Lambda functions are deployed from: dist/lambda/arm64 and dist/lambda/x64, each with both functions
 * ("api.handler", "ingest.handler"), what they need, and nothing else.
 *
 * `npm run bundle`, or `npm run bundle -- --arch arm64 --out FOLDER`.
 */
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, bundleLambda, LARGEST } from './bundle/lambda-package.mjs';
import { SetupError } from './setup/errors.mjs';
import { megabytes, say, since } from './setup/report.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

async function main() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', multiple: true, default: [...ARCHITECTURES] },
      out: { type: 'string', default: path.join(root, 'dist', 'lambda') },
    },
  });
  for (const arch of values.arch) {
    const start = performance.now();
    const folder = path.resolve(values.out, arch);
    const { bytes, code, digest } = await bundleLambda({ root, folder, arch });
    say(
      `${folder}: ${megabytes(bytes)} unzipped of ${megabytes(LARGEST)} (code ${megabytes(code)}), ` +
        `sha256 ${digest.slice(0, 16)}, ${since(start)}`,
    );
  }
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error;
  if (!(error instanceof SetupError) && !isUsage) throw error;
  process.stderr.write(`No package was made. ${error.message}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
