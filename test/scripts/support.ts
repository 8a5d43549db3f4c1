import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The checkout that the tests run in. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fresh folder that is gone when the test is over. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kindred-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files by their path relative to `folder`. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
}

/** A zip archive made by Python: members by name, deflated or stored. */
export function makeZip(
  file: string,
  members: Readonly<Record<string, Buffer>>,
  method: 'DEFLATED' | 'STORED',
): void {
  const program = `
import base64, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_${method}) as archive:
    for name, content in json.load(sys.stdin).items():
        archive.writestr(name, base64.b64decode(content))
`;
  const input = Object.entries(members).map(([name, content]) => [name, content.toString('base64')]);
  execFileSync('python3', ['-c', program, file], { input: JSON.stringify(Object.fromEntries(input)) });
}

/** A gzipped archive made by the system's tar: the folder's content under `package/`, as in an npm package. */
export function makeTarball(file: string, folder: string): void {
  execFileSync('tar', ['-czf', file, '--format=ustar', '-C', path.dirname(folder), path.basename(folder)]);
}

export function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

export interface Run {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program of this project under the Node that runs the tests. */
export function runNode(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  cwd = root,
): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...environment } });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('close', (status) => resolve({ status, output }));
  });
}
