import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { whyNoGo } from '../support/go-programs.ts';

const run = promisify(execFile);
const samples = 'samples/clothing10';

/** Some pictures of three classes of the sample. */
async function fewPictures(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kindred-example-'));
  for (const [part, count] of [
    ['train', 4],
    ['test', 2],
  ] as const) {
    for (const name of ['hat', 'pants', 'shoes']) {
      const files = (await readdir(path.join(samples, part, name))).toSorted().slice(0, count);
      for (const file of files) {
        await cp(path.join(samples, part, name, file), path.join(folder, part, name, file));
      }
    }
  }
  return folder;
}

it(
  'the example uploads, trains and classifies over HTTP, on a registry in S3',
  { skip: whyNoGo() },
  async (t) => {
    const data = await fewPictures();
    t.after(() => rm(data, { recursive: true }));
    const options = JSON.stringify({ size: 64, epochs: 0 });
    const args = [
      '--import',
      'tsx',
      'examples/http-on-s3.ts',
      '--data',
      data,
      '--options',
      options,
      '--ask',
      '3',
    ];

    const { stdout } = await run(process.execPath, args);

    assert.match(stdout, /^Kindred serves s3:\/\/\S+ at http:\/\/127\.0\.0\.1:\d+$/m);
    assert.match(stdout, /^12 pictures are uploaded\.$/m);
    assert.match(stdout, /: succeeded$/m);
    assert.match(stdout, /^ {2}hat\/\S+: (hat|pants|shoes).*, like (hat|pants|shoes)\/\S+$/m);
    assert.match(stdout, /^[0-3] of 3 right\.$/m);
  },
);
