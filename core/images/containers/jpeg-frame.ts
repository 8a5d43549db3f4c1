import { BrokenContainer, UnsupportedKind } from './container.ts';

/** Frames by their marker (ITU-T T.81, table B.1) that are not decoded; those of 0xc0 to 0xc2 are. */
const PROCESSES: Readonly<Record<number, string>> = {
  0xc3: 'lossless',
  0xc5: 'hierarchical',
  0xc6: 'hierarchical',
  0xc7: 'hierarchical',
  0xc9: 'arithmetic-coded',
  0xca: 'arithmetic-coded',
  0xcb: 'arithmetic-coded',
  0xcd: 'hierarchical',
  0xce: 'hierarchical',
  0xcf: 'hierarchical',
};
const PROGRESSIVE = 0xc2;
const COEFFICIENTS = 64;
/** Of a coefficient that no scan has given. */
const NOT_GIVEN = 255;

interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
  /** By coefficient, how many of its low bits are still missing. */
  readonly missingBits: Uint8Array;
}

/** What the header of a JPEG announces, and how much of it the scans have given. */
export class JpegFrame {
  readonly isProgressive: boolean;
  readonly #width: number;
  readonly #height: number;
  readonly #components: readonly Component[];
  #ofScan: readonly Component[] = [];

  constructor(marker: number, segment: Buffer) {
    const process = PROCESSES[marker];
    if (process !== undefined) throw new UnsupportedKind(`it is a ${process} JPEG`);
    const count = segment[9] ?? 0;
    if (segment.length < 10 + 3 * count) throw new BrokenContainer('its header is too short');
    const precision = segment[4];
    if (precision !== 8) throw new UnsupportedKind(`its samples have ${precision} bits`);
    if (![1, 3, 4].includes(count)) throw new UnsupportedKind(`it has ${count} channels`);
    this.isProgressive = marker === PROGRESSIVE;
    this.#height = segment.readUInt16BE(5);
    this.#width = segment.readUInt16BE(7);
    this.#components = Array.from({ length: count }, (_, i) => ({
      id: segment[10 + 3 * i] as number,
      across: (segment[11 + 3 * i] as number) >> 4,
      down: (segment[11 + 3 * i] as number) & 15,
      missingBits: new Uint8Array(COEFFICIENTS).fill(NOT_GIVEN),
    }));
    if (this.#components.some(({ across, down }) => across === 0 || down === 0)) {
      throw new BrokenContainer('its header is wrong');
    }
  }

  /** Bytes that the coefficients of all components have, by pixel of the image. */
  get coefficientBytes(): number {
    const all = this.#components.reduce((sum, { across, down }) => sum + across * down, 0);
    return (2 * all) / (this.#most('across') * this.#most('down'));
  }

  /** Takes the header of a scan. @returns it, with the parameters that a sequential scan has to have */
  scan(segment: Buffer): Buffer {
    const count = segment[4] ?? 0;
    const at = 5 + 2 * count;
    if (segment.length < at + 3) throw new BrokenContainer('the header of a scan is too short');
    const header = Buffer.from(segment);
    if (!this.isProgressive) header.set([0, COEFFICIENTS - 1, 0], at);
    const ids = new Set(Array.from({ length: count }, (_, i) => segment[5 + 2 * i]));
    this.#ofScan = this.#components.filter(({ id }) => ids.has(id));
    const [from, to, bits] = [header[at]!, Math.min(header[at + 1]!, COEFFICIENTS - 1), header[at + 2]! & 15];
    for (const { missingBits } of this.#ofScan) missingBits.fill(bits, from, to + 1);
    return header;
  }

  /** Takes a restart marker. @throws BrokenContainer when it is not the next one, or none is expected */
  restart(number: number, before: number, interval: number): void {
    if (interval === 0) throw new BrokenContainer('it has a restart marker where none is announced');
    if (number !== before % 8)
      throw new BrokenContainer(`a part of its pixels is missing (restart ${before})`);
  }

  /** @param interval units between restart markers, or 0 @throws BrokenContainer when some are missing */
  endScan(restarts: number, interval: number): void {
    const expected = interval === 0 ? 0 : Math.ceil(this.#units() / interval) - 1;
    if (restarts < expected)
      throw new BrokenContainer(`${expected - restarts} of ${expected + 1} parts are missing`);
  }

  /** What the scans have not given, or null. */
  missing(): string | null {
    const incomplete = this.#components.filter(({ missingBits }) => missingBits.some((bits) => bits > 0));
    if (incomplete.length === 0) return null;
    return `scans of ${incomplete.length} of ${this.#components.length} channels are missing`;
  }

  /** Blocks of the scan, or groups of blocks where it has several components (A.2). */
  #units(): number {
    const [most, tallest] = [this.#most('across'), this.#most('down')];
    const [only, ...others] = this.#ofScan;
    const [across, down] =
      only === undefined || others.length > 0 ? [1, 1] : [only.across / most, only.down / tallest];
    const [unitWidth, unitHeight] =
      only === undefined || others.length > 0 ? [8 * most, 8 * tallest] : [8, 8];
    return (
      Math.ceil(Math.ceil(this.#width * across) / unitWidth) *
      Math.ceil(Math.ceil(this.#height * down) / unitHeight)
    );
  }

  #most(side: 'across' | 'down'): number {
    return Math.max(...this.#components.map((component) => component[side]));
  }
}
