const [SHORT, LONG, UNDEFINED] = [3, 4, 7];

/** An uncompressed TIFF of RGB in 8 bits with a colour profile: how samples are handed to libvips with one. */
export function taggedTiff(width: number, height: number, rgb: Uint8Array, profile: Uint8Array): Uint8Array {
  const pixelsAt = 8;
  const depthsAt = pixelsAt + rgb.length + (rgb.length & 1);
  const profileAt = depthsAt + 6;
  const directoryAt = profileAt + profile.length + (profile.length & 1);
  const entries: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, 3, depthsAt],
    [259, SHORT, 1, 1], // not compressed
    [262, SHORT, 1, 2], // RGB
    [273, LONG, 1, pixelsAt],
    [277, SHORT, 1, 3],
    [278, LONG, 1, height],
    [279, LONG, 1, rgb.length],
    [34675, UNDEFINED, profile.length, profileAt],
  ];
  const file = Buffer.alloc(directoryAt + 2 + entries.length * 12 + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directoryAt, 4);
  file.set(rgb, pixelsAt);
  for (let i = 0; i < 3; i++) file.writeUInt16LE(8, depthsAt + 2 * i);
  file.set(profile, profileAt);
  file.writeUInt16LE(entries.length, directoryAt);
  entries.forEach(([tag, type, count, value], i) => {
    const at = directoryAt + 2 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  });
  return file;
}
