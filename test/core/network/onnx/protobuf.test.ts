import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toFloat16 } from '../../../../core/network/onnx/float16.ts';
import { Message } from '../../../../core/network/onnx/protobuf.ts';

const hex = (message: Message): string => Buffer.concat([...message.pieces()]).toString('hex');

describe('a message of Protocol Buffers', () => {
  it('is encoded as the examples of its documentation are', () => {
    assert.equal(hex(new Message().integer(1, 150)), '089601');
    assert.equal(hex(new Message().text(2, 'testing')), '120774657374696e67');
    assert.equal(hex(new Message().message(3, new Message().integer(1, 150))), '1a03089601');
  });

  it('has negative numbers in ten bytes, and large fields in two', () => {
    assert.equal(hex(new Message().integer(1, -2)), '08feffffffffffffffff01');
    assert.equal(hex(new Message().integer(20, 1)), 'a00101');
    assert.equal(hex(new Message().integer(1, 2 ** 40)), '08808080808020');
  });

  it('knows its length before promised bytes are made, and makes them only when they are written', () => {
    let made = 0;
    const promised = {
      length: 3,
      *pieces() {
        made++;
        yield Uint8Array.of(1, 2);
        yield Uint8Array.of(3);
      },
    };
    const message = new Message().message(1, new Message().bytes(2, promised));

    assert.deepEqual([message.length, made], [7, 0]);
    assert.equal(hex(message), '0a051203010203');
  });
});

describe('numbers of 16 bits', () => {
  /** The number that 16 bits stand for, by their definition. */
  function value(bits: number): number {
    const [sign, exponent, fraction] = [bits >> 15 === 0 ? 1 : -1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  it('come back as they were: all of them', () => {
    const all = Array.from({ length: 65_536 }, (_, bits) => bits).filter(
      (bits) => !Number.isNaN(value(bits)),
    );

    assert.deepEqual([...toFloat16(Float32Array.from(all, value))], all);
  });

  it('are the nearest one to each number in between, and the even one of two', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [value(bits), value(bits + 1)];
      const even = bits % 2 === 0 ? bits : bits + 1;
      const between = [0.25, 0.5, 0.75].map((share) => low + (high - low) * share);
      assert.deepEqual([...toFloat16(Float32Array.from(between))], [bits, even, bits + 1], String(low));
    }
  });

  it('are infinite beyond the largest, zero below half of the smallest, and no number for what is none', () => {
    const made = toFloat16(Float32Array.of(65_519, 65_520, -1e30, Infinity, 2 ** -25, 1e-30, -0, Number.NaN));

    assert.deepEqual(Array.from(made.subarray(0, 7)), [0x7bff, 0x7c00, 0xfc00, 0x7c00, 0, 0, 0x8000]);
    assert.ok(Number.isNaN(value(made[7] as number)));
  });
});
