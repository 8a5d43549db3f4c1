/** Usage: scratch FOLDER: has a folder of its own there, with something in it, until it is killed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inScratch } from '../../../../core/pipeline/scratch.ts';

await inScratch(process.argv[2] ?? '', async (folder) => {
  await writeFile(join(folder, 'weights.bin'), 'x');
  console.log(folder);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
