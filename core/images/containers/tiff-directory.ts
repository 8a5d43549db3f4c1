import { BrokenContainer } from './container.ts';

export const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  tileWidth: 322,
  tileHeight: 323,
  sampleFormat: 339,
  icc: 34675,
  kind: 254,
  others: 330,
  dngVersion: 50706,
} as const;

/** What libtiff decodes pixels by: layout, compression, colours, and the profile. */
const KEPT = new Set([
  254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332,
  334, 336, 338, 339, 347, 529, 530, 531, 532, 34675,
]);

/** Bytes of a value by its type; BYTE to DOUBLE, IFD, and the three of BigTIFF. */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}; // prettier-ignore

/** As many as libtiff takes. */
const MOST_ENTRIES = 4096;

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  /** Where it lies, and where its value or the value's address does. */
  readonly at: number;
  readonly valueAt: number;
}

/** The first directory of a TIFF or BigTIFF in memory. @throws BrokenContainer when it is not all there */
export class TiffDirectory {
  readonly #file: Buffer;
  readonly #isLittle: boolean;
  readonly #isBig: boolean;
  readonly #start: number;
  readonly #entries: readonly Entry[];

  constructor(file: Buffer) {
    this.#file = file;
    this.#isLittle = file[0] === 0x49;
    this.#isBig = file[this.#isLittle ? 2 : 3] === 43;
    if (file.length < 16) throw new BrokenContainer('it ends in its header');
    this.#start = this.#isBig ? this.#number(8, 8) : this.#number(4, 4);
    this.#entries = this.#read();
  }

  /** The first number of a tag's value. */
  first(tag: number, otherwise: number): number {
    const entry = this.#entries.find((each) => each.tag === tag);
    const bytes = entry && TYPE_BYTES[entry.type];
    if (entry === undefined || bytes === undefined || entry.count === 0) return otherwise;
    const inline = entry.count * bytes <= (this.#isBig ? 8 : 4);
    const at = inline ? entry.valueAt : this.#number(entry.valueAt, this.#isBig ? 8 : 4);
    return this.#number(at, bytes);
  }

  has(tag: number): boolean {
    return this.#entries.some((each) => each.tag === tag);
  }

  /** How many bytes a tag's value has; 0 where it is missing. */
  bytesOf(tag: number): number {
    const entry = this.#entries.find((each) => each.tag === tag);
    return entry === undefined ? 0 : entry.count * (TYPE_BYTES[entry.type] ?? 1);
  }

  /** Rewrites the directory in its place with what decoding needs, and without a next one. */
  keepOnly(wanted: (tag: number) => boolean): void {
    const [head, size] = this.#isBig ? [8, 20] : [2, 12];
    const kept = this.#entries
      .filter(({ tag }) => KEPT.has(tag) && wanted(tag))
      .toSorted((a, b) => a.tag - b.tag);
    const content = Buffer.concat(kept.map(({ at }) => Buffer.from(this.#file.subarray(at, at + size))));
    this.#write(this.#start, head, kept.length);
    this.#file.set(content, this.#start + head);
    // Room enough for the next one's address: it stood behind at least as many entries.
    const end = this.#start + head + content.length;
    this.#file.fill(0, end, Math.min(end + (this.#isBig ? 8 : 4), this.#file.length));
  }

  #read(): Entry[] {
    const [head, size, wide] = this.#isBig ? [8, 20, 8] : [2, 12, 4];
    const count = this.#number(this.#start, head);
    const from = this.#start + head;
    if (count > MOST_ENTRIES) throw new BrokenContainer(`its directory has ${count} entries`);
    if (from + count * size > this.#file.length) throw new BrokenContainer('it ends in its directory');
    return Array.from({ length: count }, (_, i) => {
      const at = from + i * size;
      const [tag, type] = [this.#number(at, 2), this.#number(at + 2, 2)];
      return { tag, type, count: this.#number(at + 4, wide), at, valueAt: at + 4 + wide };
    });
  }

  #number(at: number, bytes: number): number {
    if (at + bytes > this.#file.length) throw new BrokenContainer('it ends before a value that it announces');
    if (bytes === 8) {
      const [low, high] = this.#isLittle ? [at, at + 4] : [at + 4, at];
      return this.#number(low, 4) + 2 ** 32 * this.#number(high, 4);
    }
    return this.#isLittle ? this.#file.readUIntLE(at, bytes) : this.#file.readUIntBE(at, bytes);
  }

  #write(at: number, bytes: number, value: number): void {
    if (bytes === 8) this.#file.fill(0, at, at + 8);
    const small = Math.min(bytes, 4);
    if (this.#isLittle) this.#file.writeUIntLE(value, at, small);
    else this.#file.writeUIntBE(value, at + bytes - small, small);
  }
}
