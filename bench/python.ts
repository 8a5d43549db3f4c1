import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.ts';

export type Peer = 'keras' | 'torch' | 'numpy';

export const PEERS_FOLDER = fileURLToPath(new URL('peers/', import.meta.url));

/**
 * The Python interpreter of a peer's own virtual environment in the cache, installed when it is not there or its
 * pinned requirements changed. The lists are complete, so pip resolves nothing (and takes none of torch's GPU-only parts
 * that an import does without).
 * @param python the Python to make it with, 3.11 to 3.13
 * @param cache Kindred's cache folder
 */
export async function peerPython(peer: Peer, python: string, cache: string): Promise<string> {
  const requirements = path.join(PEERS_FOLDER, `${peer}.txt`);
  const wanted = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const folder = path.join(cache, 'bench-python', peer);
  const interpreter = path.join(folder, 'bin', 'python');
  const stamp = path.join(folder, 'requirements.sha256');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return interpreter;
  process.stderr.write(`Installing the ${peer} peer into ${folder} (once, some minutes) ...\n`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(path.dirname(folder), { recursive: true });
  await run(python, ['-m', 'venv', folder]);
  await run(interpreter, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-deps',
    '--only-binary',
    ':all:',
    '-r',
    requirements,
  ]);
  // Written last: an interrupted installation has no stamp and is made anew.
  await writeFile(stamp, wanted);
  return interpreter;
}
