import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failureOf } from '../../../core/jobs/failure.ts';
import { lastWords, plainText } from '../../../core/jobs/plain-text.ts';

describe('what is said of a failure', () => {
  it('names no place in the program, and none on the machine', () => {
    for (const [said, plain] of [
      [
        "ENOENT: no such file or directory, open '/home/a b/model.json'",
        "ENOENT: no such file or directory, open '…/model.json'",
      ],
      ['There is no folder "/srv/photos/".', 'There is no folder "…/photos".'],
      ['Cannot find module file:///opt/kindred/core/x.ts', 'Cannot find module …/x.ts'],
      ['It broke\n    at work (/opt/kindred/core/x.ts:1:2)\n    at async /opt/y.ts:3:4', 'It broke'],
      ['(/opt/a/b.so: cannot open)', '(…/b.so: cannot open)'],
    ] as const) {
      assert.equal(plainText(said), plain);
    }
  });

  it('keeps names in the registry, addresses, and what only looks like a path', () => {
    for (const said of [
      'There is no data set "clothes" in s3://bucket/some/prefix.',
      '"models/clothes/versions/1/gallery.arrow" is damaged',
      'see https://example.org/a/b or POST /v1/imports/x/resume',
      'either/or, 1/2 of it, and "a/b"',
      'first line\nTo go on: kindred train --resume X',
    ]) {
      assert.equal(plainText(said), said);
    }
  });

  it('is the last error of a process, from what it wrote', () => {
    const frames = '\n    at f (/opt/k/x.ts:1:2)\n  caused by Error: deeper\n    at g (/opt/k/y.ts:1:2)\n';
    assert.equal(
      lastWords(`features 3/4\nunexpected TypeError: x is no function${frames}`),
      'TypeError: x is no function',
    );
    assert.equal(
      lastWords('error: an old one\nerror: There is no\nfolder "/a/b".\n'),
      'There is no\nfolder "…/b".',
    );
    assert.equal(lastWords('loading\nSegmentation fault\n'), 'Segmentation fault');
    assert.equal(lastWords(''), '');
  });

  it('is what a job keeps of any error', () => {
    const { error } = failureOf(new Error("EACCES: permission denied, mkdir '/var/x/y'"));
    assert.deepEqual(error, { code: 'unexpected', message: "EACCES: permission denied, mkdir '…/y'" });
  });
});
