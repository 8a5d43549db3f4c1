import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeImage } from '../../../core/images/decode.ts';
import { sharp } from '../../../core/images/vips.ts';
import { tiff } from './encoders.ts';
import { squash } from './patterns.ts';

const [WIDTH, HEIGHT] = [4, 3];

async function codeOf(bytes: Uint8Array): Promise<string> {
  return decodeImage(bytes, squash(4)).then(
    () => 'decoded',
    (error: unknown) => (error as { code: string }).code,
  );
}

test('a TIFF of a kind that is not decoded is not called damaged', async () => {
  const samples = Buffer.alloc(WIDTH * HEIGHT * 40);
  const grey = { photometric: 1, channels: 1 } as const;
  for (const [kind, options] of Object.entries({
    floats: { ...grey, bits: 32, sampleFormat: 3 },
    'signed words': { ...grey, bits: 16, sampleFormat: 2 },
    'words of 32 bits': { ...grey, bits: 32 },
    'words of 12 bits': { ...grey, bits: 12 },
    'five bands': { photometric: 2, channels: 5 },
    'three bands of grey': { photometric: 1, channels: 3 },
    'CIE L*a*b*': { photometric: 8, channels: 3 },
    Zstandard: { ...grey, compression: 50_000 },
    LZMA: { ...grey, compression: 34_925 },
  } as const)) {
    assert.equal(await codeOf(tiff(WIDTH, HEIGHT, samples, options)), 'unsupported-image', kind);
  }
});

test('a TIFF whose directory makes no sense is damaged', async () => {
  const samples = Buffer.alloc(WIDTH * HEIGHT);
  const grey = { photometric: 1, channels: 1 } as const;
  for (const options of [
    { ...grey, compression: 0 },
    { photometric: 60_000, channels: 1 },
    { ...grey, bits: 0 },
  ]) {
    assert.equal(await codeOf(tiff(WIDTH, HEIGHT, samples, options)), 'unreadable-image');
  }
});

test('a JPEG of a process that is not decoded is not called damaged', async () => {
  const jpeg = await sharp(Buffer.alloc(48), { raw: { width: 4, height: 4, channels: 3 } })
    .jpeg()
    .toBuffer();
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  for (const process of [0xc3, 0xc5, 0xc9, 0xca]) {
    const other = Buffer.from(jpeg);
    other[frame + 1] = process;
    assert.equal(await codeOf(other), 'unsupported-image', process.toString(16));
  }
  const twelveBits = Buffer.from(jpeg);
  twelveBits[frame + 4] = 12;
  assert.equal(await codeOf(twelveBits), 'unsupported-image');
});

test('other formats, and what is no image, are not supported either', async () => {
  for (const content of ['%PDF-1.7\n', '<svg/>', '\0\0\0\x14ftypheic\0\0\0\0heic', 'notes']) {
    assert.equal(await codeOf(Buffer.from(content, 'latin1')), 'unsupported-image');
  }
});

const TWO_FRAMES =
  'AAAALGZ0eXBhdmlzAAAAAGF2aWZhdmlzbXNmMWlzbzhtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAA' +
  'AAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAPlAAAAJQAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFD' +
  'b2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAACAAAAAgAAAAQcGl4aQAAAAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEA' +
  'DQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAACxm1vb3YAAAB4bXZoZAEAAAAAAAAA5zMk2AAAAADnMyTYAAAD6P//////////AAEAAAEAAAAA' +
  'AAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAJGdHJhawAAAGh0' +
  'a2hkAQAAAQAAAADnMyTYAAAAAOczJNgAAAABAAAAAP//////////AAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAA' +
  'AAAAQAAAAAAIAAAACAAAAAAALGVkdHMAAAAkZWxzdAEAAAEAAAABAAAAAAAAAMgAAAAAAAAAAAABAAAAAAGqbWRpYQAAACxtZGhkAQAAAAAAAADn' +
  'MyTYAAAAAOczJNgAAAPoAAAAAAAAAMhVxAAAAAAAIWhkbHIAAAAAAAAAAHBpY3QAAAAAAAAAAAAAAAAAAAABVW1pbmYAAAAUdm1oZAAAAAEAAAAA' +
  'AAAAAAAAACRkaW5mAAAAHGRyZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAARVzdGJsAAAAlXN0c2QAAAAAAAAAAQAAAIVhdjAxAAAAAAAAAAEAAAAA' +
  'AAAAAAAAAAAAAAAAAAgACABIAAAASAAAAAAAAAABCkFPTSBDb2RpbmcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAGP//AAAADGF2MUOBAAwAAAAAE2Nv' +
  'bHJuY2x4AAEADQAGgAAAABBjY3N0AAAAAHwAAAAAAAAYc3R0cwAAAAAAAAABAAAAAgAAAGQAAAAcc3RzYwAAAAAAAAABAAAAAQAAAAIAAAABAAAA' +
  'HHN0c3oAAAAAAAAAAAAAAAIAAAAlAAAAIAAAABRzdGNvAAAAAAAAAAEAAAPlAAAAFHN0c3MAAAAAAAAAAQAAAAEAAABNbWRhdBIACgwAAAABF+bX' +
  'zICGg0IyExAAsgAAAkAAAAB5TNukVlmqekYSADIcMAPAgAAARrIAAAJAAACAAB7l/XcJ6fRTlyM80A==';

test('an AVIF of several frames gives its image', async () => {
  // 8 x 8, a red frame and a blue one, by Pillow 13: im.save(file, save_all=True, append_images=[...], quality=60).
  const bytes = Buffer.from(TWO_FRAMES, 'base64');
  const { data } = await decodeImage(bytes, squash(8));
  assert.ok(data[0]! > 240 && data[1]! < 15 && data[2]! < 15, [...data.subarray(0, 3)].join());
});
