import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sniffFormat } from '../../../core/images/formats.ts';
import { sharp } from '../../../core/images/vips.ts';

const red = () => sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });

test('a format that is allowed is told by its first bytes', async () => {
  for (const [format, name] of [
    ['jpeg', 'JPEG'],
    ['png', 'PNG'],
    ['webp', 'WebP'],
    ['gif', 'GIF'],
    ['tiff', 'TIFF'],
    ['avif', 'AVIF'],
  ] as const) {
    assert.deepEqual(sniffFormat(await red().toFormat(format).toBuffer()), { format: name });
  }
  assert.deepEqual(sniffFormat(await red().tiff({ bigtiff: true }).toBuffer()), { format: 'TIFF' });
});

test('everything else is named', () => {
  const ftyp = (brand: string) => Buffer.from(`\0\0\0\x14ftyp${brand}\0\0\0\0${brand}`, 'latin1');
  const cases: readonly (readonly [string | Buffer, RegExp])[] = [
    ['<svg xmlns="http://www.w3.org/2000/svg"/>', /SVG/],
    ['\ufeff  \n<?xml version="1.0"?>\n<!-- a comment -->\n<svg:svg/><svg />', /SVG/],
    [Buffer.from('\ufeff<?xml version="1.0"?><svg width="1"/>', 'utf16le'), /SVG/],
    [gzipSync('<svg/>'), /gzip/],
    ['<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://localhost/x.dtd">', /SVG/],
    ['<!doctype html><html><img src="x.jpg"></html>', /HTML/],
    ['<?xml version="1.0"?><image href="file:///etc/passwd"/>', /XML/],
    ['<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', /XML/],
    ['%PDF-1.7\n', /PDF/],
    ['%!PS-Adobe-3.0 EPSF-3.0\n', /PostScript/],
    [Buffer.from('c5d0d3c620000000', 'hex'), /PostScript/],
    ["push graphic-context\nimage over 0,0 0,0 'url(http://localhost/)'", /MVG/],
    ["viewbox 0 0 640 480\nfill 'url(http://localhost/)'", /MVG/],
    [Buffer.from('BM\x36\0\0\0\0\0\0\0', 'latin1'), /BMP/],
    [Buffer.from('PK\x03\x04', 'latin1'), /ZIP/],
    [Buffer.from('8BPS\0\x01', 'latin1'), /Photoshop/],
    [Buffer.from('\xff\x0a', 'latin1'), /JPEG XL/],
    [Buffer.from('\0\0\0\x0cjP  \r\n\x87\n', 'latin1'), /JPEG 2000/],
    [ftyp('heic'), /HEIC/],
    [ftyp('mif1'), /HEIC/],
    [ftyp('isom'), /film/],
    [ftyp('crx '), /raw/],
    [Buffer.from('RIFF\x24\0\0\0WAVEfmt ', 'latin1'), /sound/],
    ['P6\n2 2\n255\n', /Netpbm/],
    ['#?RADIANCE\n', /Radiance/],
    [Buffer.from('v/1\x01', 'latin1'), /OpenEXR/],
    ['key,class\n1.jpg,hat\n', /plain text/],
    ['șerban și țăran', /plain text/],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:00\n', /Git LFS/],
    [Buffer.from([1, 2, 3, 0, 0]), /no known picture \(01 02 03 00 00\)/],
    [Buffer.alloc(10_000), /no known picture/],
    ['GIF90a', /plain text/],
    [Buffer.from('\x89PNG\n\x1a\n\0', 'latin1'), /no known picture/],
  ];
  for (const [content, expected] of cases) {
    const sniffed = sniffFormat(Buffer.from(content));
    assert.ok('other' in sniffed, `${content.toString()} is taken for a picture`);
    assert.match(sniffed.other, expected);
  }
});

test('a short file is no reason to fail', () => {
  for (let length = 0; length < 12; length++) {
    const sniffed = sniffFormat(Buffer.from('\0\0\0\x14ftypheic', 'latin1').subarray(0, length));
    assert.ok('other' in sniffed);
  }
});
