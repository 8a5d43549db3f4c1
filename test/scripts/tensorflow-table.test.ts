import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeInEntry, wantedVariant } from '../../scripts/setup/tensorflow-library.mjs';
import { TENSORFLOW_VERSION, VARIANTS } from '../../scripts/setup/tensorflow-table.mjs';

test('Every package is pinned by version, size and SHA-256, and TensorFlow has one version everywhere', () => {
  for (const { wheels } of Object.values(VARIANTS)) {
    for (const wheel of wheels) {
      assert.match(wheel.sha256, /^[0-9a-f]{64}$/, wheel.name);
      assert.match(wheel.version, /^\d+(\.\d+)+$/, wheel.name);
      assert.ok(wheel.bytes > 1e6, wheel.name);
    }
    assert.equal(wheels.find(({ name }) => name.startsWith('tensorflow'))?.version, TENSORFLOW_VERSION);
  }
});

test('A platform without a published library is told which ones have it', () => {
  assert.throws(
    () => wantedVariant('darwin-x64', 'cpu'),
    /no published TensorFlow.*darwin-x64[^]*linux-x64-cpu/,
  );
  assert.throws(() => wantedVariant('darwin-arm64', 'gpu'), /setup -- --cpu/);
});

test('Of a package only libraries, C headers, notices and CUDA are taken', () => {
  const libraries = ['libtensorflow_cc.so.2'];

  assert.equal(placeInEntry('tensorflow/libtensorflow_cc.so.2', libraries), 'lib/libtensorflow_cc.so.2');
  assert.equal(
    placeInEntry('tensorflow/include/tensorflow/c/eager/c_api.h', libraries),
    'include/tensorflow/c/eager/c_api.h',
  );
  assert.equal(
    placeInEntry('nvidia/cublas/lib/libcublas.so.12', libraries),
    'nvidia/cublas/lib/libcublas.so.12',
  );
  assert.equal(placeInEntry('tensorflow/include/tensorflow/core/util/util.h', libraries), undefined);
  assert.equal(placeInEntry('tensorflow/python/_pywrap_tfe.so', libraries), undefined);
  assert.equal(placeInEntry('nvidia/cublas/include/cublas.h', libraries), undefined);
});
