import { existsSync } from 'node:fs';
import os from 'node:os';
import { backboneWeightsFile, cacheFolder } from '../../core/cache.ts';
import { SafetensorsFile } from '../../core/network/safetensors.ts';

/** Where the set-up keeps the pretrained weights. */
export function backbonePath(): string {
  const file = backboneWeightsFile(cacheFolder(process.env, os.homedir(), process.platform));
  if (!existsSync(file))
    throw new Error(
      `These tests need the pretrained weights, which are not at ${file}: run \`npm run setup\`.`,
    );
  return file;
}

/** The pretrained weights. Close the file after use. */
export function openBackbone(): SafetensorsFile {
  return new SafetensorsFile(backbonePath());
}
