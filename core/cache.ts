/** Paths in the cache that the set-up fills; written in plain JavaScript because the set-up runs before anything is installed. */
export { backboneWeightsFile, cacheFolder } from './cache-paths.mjs';
