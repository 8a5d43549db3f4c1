/** Real containers for the emulated Batch: podman, asked through the Docker Engine's interface on a socket of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ContainerEngine } from './batch.ts';
import { answers } from './s3-server.ts';

const run = promisify(execFile);

/** Containers reach the emulators on 127.0.0.1; limits that may be set where this machine is a container itself. */
const SETTINGS = `[containers]
netns="host"
default_ulimits=["nofile=1024:1024","nproc=4096:4096"]
`;

/**
 * Podman with an image that is there.
 * @throws Error saying what to do when podman or the image is missing
 */
export async function startPodman(image: string): Promise<ContainerEngine> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kindred-podman-'));
  const settings = path.join(folder, 'containers.conf');
  // crun, podman's first choice, cannot run where control groups of both kinds are mounted.
  const hasRunc = String(process.env['PATH'])
    .split(path.delimiter)
    .some((place) => existsSync(path.join(place, 'runc')));
  await writeFile(settings, SETTINGS + (hasRunc ? '[engine]\nruntime="runc"\n' : ''));
  const env = { CONTAINERS_CONF: settings, ...process.env };
  const podman = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await run('podman', args, { env });
    return stdout.split('\n').filter((line) => line !== '');
  };
  const containers = (): Promise<string[]> =>
    podman('ps', '--all', '--quiet', '--no-trunc', '--filter', `ancestor=${image}`);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await podman('image', 'exists', image);
  } catch (cause) {
    await remove();
    throw new Error(
      `There is no podman with the image ${image}: install podman, and build it with "npm run image".`,
      { cause },
    );
  }
  const others = new Set(await containers());
  const socket = path.join(folder, 'podman.sock');
  const host = `unix://${socket}`;
  const service = spawn('podman', ['system', 'service', '--time=0', host], { env, stdio: 'ignore' });
  const ended = once(service, 'exit');
  const end = (): void => void service.kill();
  process.once('exit', end);
  while (!(await answers(socket))) {
    if (service.exitCode !== null) throw new Error(`podman system service ended with ${service.exitCode}`);
    await sleep(50);
  }
  return {
    host,
    image,
    async stop() {
      process.removeListener('exit', end);
      const own = (await containers()).filter((id) => !others.has(id));
      if (own.length > 0) await podman('rm', '--force', '--time', '0', ...own);
      end();
      await ended;
      await remove();
    },
  };
}
