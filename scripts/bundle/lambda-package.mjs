/** One package for Lambda. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SetupError } from '../setup/errors.mjs';
import { megabytes } from '../setup/report.mjs';
import { bundleCode } from './code.mjs';
import { describeFolder } from './folder.mjs';
import { copyPackages } from './packages.mjs';

export const ARCHITECTURES = Object.freeze(['arm64', 'x64']);

/** What Lambda takes at most, unzipped, with all layers: "250 MB", which are MiB. */
export const LARGEST = 250 * 2 ** 20;

/**
 * Makes the package in `folder`, in place of what is there.
 *
 * @param {{ root: string, folder: string, arch: string }} options
 * @returns {Promise<{ bytes: number, code: number, digest: string }>} size of all files and of those of code; SHA-256 over names and contents
 */
export async function bundleLambda({ root, folder, arch }) {
  if (!ARCHITECTURES.includes(arch)) {
    throw new SetupError(`Lambda has no architecture "${arch}"; there are ${ARCHITECTURES.join(' and ')}.`);
  }
  const staging = `${folder}.making`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  try {
    await bundleCode(root, staging);
    const code = describeFolder(staging).bytes;
    await copyPackages({ root, folder: path.join(staging, 'node_modules'), arch });
    const described = { ...describeFolder(staging), code };
    checkSize(described);
    rmSync(folder, { recursive: true, force: true });
    renameSync(staging, folder);
    return described;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** @param {{ bytes: number, largest: { name: string, bytes: number }[] }} described */
export function checkSize({ bytes, largest }) {
  if (bytes < LARGEST) return;
  const names = largest.map(({ name, bytes: size }) => `${name} (${megabytes(size)})`).join(', ');
  throw new SetupError(
    `The package has ${megabytes(bytes)} unzipped, and Lambda takes less than ${megabytes(LARGEST)}. The largest files: ${names}.`,
  );
}
