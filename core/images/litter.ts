/**
 * Names of files and folders that operating systems and storage systems make themselves, in lower case.
 * Everything that begins with "." is passed over besides: .DS_Store, ._*, .Trashes, .Spotlight-V100, .fseventsd, .stversions, .stfolder,
 * .@__thumb, .snapshot, .snapshots, .zfs, .ipynb_checkpoints, .nextcloudsync.log.
 */
const LITTER = new Set([
  // Windows: thumbnails, folder settings, recycle bins of NTFS and FAT, restore points
  'thumbs.db',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'desktop.ini',
  '$recycle.bin',
  'recycler',
  'recycled',
  'system volume information',
  // macOS: resource forks in ZIP archives, and folders on AFP shares
  '__macosx',
  'network trash folder',
  'temporary items',
  // ext4: what fsck recovered
  'lost+found',
  // Samba's vfs_recycle, and Synology DSM: recycle bin, snapshots, metadata and thumbnails
  '#recycle',
  '#snapshot',
  '@eadir',
  '@tmp',
  '@sharebin',
  '@sharesnap',
  // QNAP QTS
  '@recycle',
  '@recently-snapshot',
  '@transcode',
  // NetApp ONTAP
  '~snapshot',
  // Nextcloud and ownCloud
  'files_trashbin',
  'files_versions',
  // Python
  '__pycache__',
]);

/** Whether a part of a path is hidden, or made by a system and not by the user. */
export function isLitter(part: string): boolean {
  return part.startsWith('.') || LITTER.has(part.toLowerCase());
}

/** The recycle bins and snapshots among them: files in there look like images of a class. */
export function litterFolderOf(path: string): string | null {
  return (
    path
      .split('/')
      .slice(0, -1)
      .find((part) => LITTER.has(part.toLowerCase())) ?? null
  );
}
