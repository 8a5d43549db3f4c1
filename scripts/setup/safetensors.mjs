/**
 * The safetensors layout: 8 bytes with the header's length (little-endian), the header as JSON, the tensors one behind the other.
 * See https://github.com/huggingface/safetensors#format.
 */
const ALIGNMENT = 64;

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {number[]} shape
 * @property {Buffer} bytes little-endian float32
 */

/**
 * @param {readonly Tensor[]} tensors
 * @param {Readonly<Record<string, string>>} metadata
 * @returns {Buffer[]} the file's parts in order; the data starts at a multiple of 64 bytes
 */
export function safetensors(tensors, metadata) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape, bytes } of tensors) {
    if (bytes.length !== 4 * shape.reduce((product, n) => product * n, 1)) {
      throw new Error(
        `The tensor "${name}" has ${bytes.length} bytes, which is not 4 times its shape [${shape.join(', ')}].`,
      );
    }
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc((ALIGNMENT - ((8 + json.length) % ALIGNMENT)) % ALIGNMENT, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  return [length, json, padding, ...tensors.map((tensor) => tensor.bytes)];
}
