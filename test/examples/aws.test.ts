import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

// What it does with them is in test/cdk/deploy.test.ts.
it('the example on an emulated AWS looks at the pictures before it deploys anything', async () => {
  const args = ['--import', 'tsx', 'examples/aws.ts'];

  await assert.rejects(
    run(process.execPath, [...args, '--later', 'gown']),
    ({ stdout, stderr }: { stdout: string; stderr: string }) =>
      stdout === '' && /no class gown in \S+: name one with --later \(dress, hat/.test(stderr),
  );
  await assert.rejects(
    run(process.execPath, [...args, '--data', 'nowhere']),
    /No picture is at nowhere\/train/,
  );
});
