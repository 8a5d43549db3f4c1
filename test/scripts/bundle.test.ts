import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundleCode } from '../../scripts/bundle/code.mjs';
import { LARGEST, bundleLambda, checkSize } from '../../scripts/bundle/lambda-package.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** e_machine in the header of an ELF file. */
const MACHINES = { x64: 62, arm64: 183 } as const;

/** Of Amazon Linux 2023, which Lambda runs Node 20 and newer on: glibc 2.34, and the C++ library of GCC 11. */
const NEWEST = { GLIBC: [2, 34], GLIBCXX: [3, 4, 29], CXXABI: [1, 3, 13] } as const;

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

function isLater(version: readonly number[], than: readonly number[]): boolean {
  const at = version.findIndex((part, i) => part !== (than[i] ?? 0));
  return at >= 0 && (version[at] ?? 0) > (than[at] ?? 0);
}

/** Versions of the system's libraries that a native library asks for and Lambda does not have. */
function missingIn(library: Buffer): string[] {
  const wanted = new Set(library.toString('latin1').match(/\b(?:GLIBC|GLIBCXX|CXXABI)_[\d.]*\d/g));
  return [...wanted].filter((symbol) => {
    const [name = '', version = ''] = symbol.split('_');
    return isLater(version.split('.').map(Number), NEWEST[name as keyof typeof NEWEST]);
  });
}

describe('packages for Lambda', () => {
  let folder = '';
  before(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-bundle-'))));
  after(() => rmSync(folder, { recursive: true }));

  for (const arch of ['x64', 'arm64'] as const) {
    it(`have both functions and the native libraries that Lambda can load, and no others: ${arch}`, async (t) => {
      const place = path.join(folder, arch);

      const { bytes } = await bundleLambda({ root: ROOT, folder: place, arch });

      t.diagnostic(`${arch}: ${bytes} bytes`);
      assert.ok(bytes < LARGEST / 2);
      const files = filesIn(place);
      for (const name of ['api.mjs', 'ingest.mjs', 'onnx-thread.mjs']) assert.ok(files.includes(name), name);
      const natives = files.filter((name) => /\.(?:node|so)(?:\.|$)|\.(?:dylib|dll|exe|wasm)$/.test(name));
      assert.deepEqual(natives.map((name) => path.basename(name).replace(/[\d.]+$/, '')).toSorted(), [
        'libonnxruntime.so',
        'libvips-cpp.so',
        'onnxruntime_binding.node',
        natives.map((name) => path.basename(name)).find((name) => name.startsWith(`sharp-linux-${arch}`)),
      ]);
      for (const name of natives) {
        const content = readFileSync(path.join(place, name));
        assert.equal(content.readUInt16LE(18), MACHINES[arch], name);
        assert.deepEqual(missingIn(content), [], name);
      }
    });
  }

  it('are the same whenever and wherever they are made', async () => {
    const made = [];
    for (const name of ['one', 'other/place'])
      made.push(await bundleLambda({ root: ROOT, folder: path.join(folder, name), arch: 'x64' }));

    assert.equal(made[0]?.digest, made[1]?.digest);
  });

  it('find files beside their code that they start by name', () => {
    const place = path.join(folder, 'x64');
    const code = filesIn(place).filter((name) => !name.includes('node_modules'));
    const named = code.flatMap((name) => {
      const text = readFileSync(path.join(place, name), 'utf8');
      return [...text.matchAll(/new URL\("([^"]+)",import\.meta\.url\)/g)].map(([, found = '']) =>
        path.join(path.dirname(name), found),
      );
    });

    assert.ok(named.includes('onnx-thread.mjs'));
    for (const name of named) assert.ok(code.includes(name), name);
  });

  it('are refused when Lambda would not take them', () => {
    const largest = [{ name: 'node_modules/huge.node', bytes: 2e8 }];

    checkSize({ bytes: LARGEST - 1, largest });
    assert.throws(() => checkSize({ bytes: LARGEST, largest }), /262 MB unzipped.*huge\.node \(200 MB\)/);
  });

  for (const library of ['@tensorflow/tfjs-node', 'commander', 'not-installed-anywhere']) {
    it(`are refused when their code would load ${library}`, async () => {
      const root = mkdtempSync(path.join(folder, 'root-'));
      symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));
      mkdirSync(path.join(root, 'functions'));
      mkdirSync(path.join(root, 'core', 'embedding'), { recursive: true });
      writeFileSync(
        path.join(root, 'functions', 'api.ts'),
        `export const late = () => import('${library}');`,
      );
      for (const name of ['functions/ingest.ts', 'core/embedding/onnx-thread.mjs'])
        writeFileSync(path.join(root, name), 'export const a = 1;');

      await assert.rejects(
        bundleCode(root, path.join(root, 'out')),
        new RegExp(library.replace(/^.*\//, '')),
      );
    });
  }
});
