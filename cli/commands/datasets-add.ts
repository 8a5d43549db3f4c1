import path from 'node:path';
import type { Command } from 'commander';
import { ConflictError, KindredError } from '../../core/errors.ts';
import type { Registry } from '../../core/registry/registry.ts';
import { contextOf } from '../context.ts';
import type { Context } from '../context.ts';
import { command } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { counted } from '../output/format.ts';
import { progressOn } from '../output/progress.ts';
import { usageOf } from '../usage.ts';

interface Flags extends CommonFlags {
  readonly class?: string;
  readonly replace?: boolean;
}

/** A picture on its way into a data set. */
interface Source {
  /** As people named it. */
  readonly image: string;
  readonly className: string;
  readonly file: string;
  readonly read: () => Promise<Uint8Array>;
}

/** `kindred datasets add NAME FOLDER` or `... add NAME --class CLASS IMAGE...`: copies pictures that decode into the registry. */
export function addToDataSetCommand(): Command {
  return command('add', 'copy pictures into a data set of the registry')
    .argument('<name>', 'of the data set, new or not')
    .argument('<source...>', 'folders, or s3://BUCKET/PREFIX, with <class>/<file>; with --class, pictures')
    .option('--class <name>', 'the class of all the pictures')
    .option('--replace', 'let a picture take the place of another one of its name')
    .action(async (name: string, given: string[], flags: Flags) => {
      const context = contextOf(flags);
      const registry = await context.registry();
      try {
        registry.dataSetPrefix(name);
      } catch (error) {
        throw usageOf(error);
      }
      const sources =
        flags.class === undefined ? await inFolders(context, given) : asClass(given, flags.class);
      const outcome = await addAll(context, registry, name, sources, flags.replace ?? false);
      tell(context, name, outcome);
    });
}

/** Unreadable files are told of by the scan. */
async function inFolders(context: Context, folders: readonly string[]): Promise<Source[]> {
  const { failForUnused, placeAt, scanDataSet } = await import('../pictures/data-set.ts');
  const sources: Source[] = [];
  for (const folder of folders) {
    const scanned = await scanDataSet(context, await placeAt(context, folder), {
      anyClasses: true,
      anySpelling: true,
    });
    for (const picture of scanned.pictures) {
      const { key, className } = picture;
      const file = key.slice(className.length + 1);
      sources.push({
        image: `${folder.replace(/\/$/, '')}/${key}`,
        className,
        file,
        read: () => picture.read(),
      });
    }
    failForUnused(scanned);
  }
  return sources;
}

function asClass(images: readonly string[], className: string): Source[] {
  return images.map((image) => ({
    image,
    className,
    file: path.basename(image),
    async read() {
      const { readPictureFile } = await import('../pictures/files.ts');
      const { decodeImage } = await import('../../core/images/decode.ts');
      const bytes = await readPictureFile(image);
      await decodeImage(bytes, { size: 8, fit: 'squash', kernel: 'linear' });
      return bytes;
    },
  }));
}

interface Outcome {
  added: number;
  unchanged: number;
  readonly errors: { readonly image: string; readonly error: string }[];
}

async function addAll(
  { terminal }: Context,
  registry: Registry,
  name: string,
  sources: readonly Source[],
  replace: boolean,
): Promise<Outcome> {
  const outcome: Outcome = { added: 0, unchanged: 0, errors: [] };
  const progress = progressOn(terminal, 'pictures');
  for (const [i, { image, className, file, read }] of sources.entries()) {
    try {
      const { written } = await registry.addToDataSet(
        name,
        { className, file, bytes: await read() },
        { replace },
      );
      outcome[written ? 'added' : 'unchanged']++;
    } catch (error) {
      outcome.errors.push({ image, error: reasonOf(error) });
    }
    progress.update(i + 1, sources.length);
  }
  progress.end();
  return outcome;
}

/** What concerns one picture; a full disk or a registry that is out of reach ends everything. */
function reasonOf(error: unknown): string {
  if (!(error instanceof KindredError) || error.code === 'storage') throw error;
  if (error instanceof ConflictError) return 'another picture of this name is there; --replace replaces it';
  return error.message;
}

function tell({ terminal }: Context, dataset: string, { added, unchanged, errors }: Outcome): void {
  for (const { image, error } of errors) terminal.note(`${JSON.stringify(image)}: ${error}`);
  terminal.json({ dataset, added, unchanged, errors });
  const there = unchanged === 0 ? '' : `, ${unchanged} there already`;
  const left = errors.length === 0 ? '' : `, ${errors.length} left out`;
  terminal.print(`${counted(added, 'picture')} added to the data set ${dataset}${there}${left}.`);
  if (errors.length > 0) process.exitCode = 1;
}
