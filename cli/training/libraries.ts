import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

/** Versions of what takes part in a training, for the manifest. */
export function libraryVersions(): Record<string, string> {
  return {
    kindred: versionIn(new URL('../../package.json', import.meta.url)),
    node: process.versions.node,
    'tfjs-node': packageVersion('@tensorflow/tfjs-node'),
    'onnxruntime-node': packageVersion('onnxruntime-node'),
    sharp: packageVersion('sharp'),
    'apache-arrow': packageVersion('apache-arrow'),
  };
}

function packageVersion(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      return versionIn(`${folder}/${name}/package.json`);
    } catch {
      continue;
    }
  }
  return 'unknown';
}

function versionIn(file: URL | string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
