import type { Command } from 'commander';
import { command } from '../flags.ts';
import { addToGalleryCommand } from './gallery-add.ts';
import { exportGalleryCommand } from './gallery-export.ts';
import { importGalleryCommand } from './gallery-import.ts';
import { listGalleryCommand } from './gallery-list.ts';
import { mergeClassesCommand } from './gallery-merge.ts';
import { removeFromGalleryCommand } from './gallery-remove.ts';
import { rejectImagesCommand } from './gallery-reject.ts';
import { renameClassCommand } from './gallery-rename.ts';
import { syncGalleryCommand } from './gallery-sync.ts';

/** `kindred gallery ...`: the images of known class that a model answers from; a change counts at once, without training. */
export function galleryCommand(): Command {
  const group = command('gallery', 'list and change the images that a model answers from');
  const parts = [
    listGalleryCommand,
    addToGalleryCommand,
    importGalleryCommand,
    removeFromGalleryCommand,
    renameClassCommand,
    mergeClassesCommand,
    rejectImagesCommand,
    syncGalleryCommand,
    exportGalleryCommand,
  ];
  for (const make of parts) group.addCommand(make());
  return group;
}
