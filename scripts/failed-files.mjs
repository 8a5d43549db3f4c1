/**
 * A reporter for node:test that writes which test files have failures, one a line. Of a suite that several files share, those of its
 * folder: which of them ran it is not told.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';

const isTestFile = (/** @type {string} */ name) => name.endsWith('.test.ts');

/** @param {AsyncIterable<{ type: string, data: { file?: string } }>} events */
// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter so
export default async function* failedFiles(events) {
  /** @type {Set<string>} */
  const told = new Set();
  for await (const { type, data } of events) {
    const { file } = data;
    if (type !== 'test:fail' || file === undefined) continue;
    const folder = path.dirname(file);
    const files = isTestFile(file)
      ? [file]
      : readdirSync(folder)
          .filter(isTestFile)
          .map((name) => path.join(folder, name));
    for (const one of files.filter((name) => !told.has(name))) {
      told.add(one);
      yield `${path.relative(process.cwd(), one)}\n`;
    }
  }
}
