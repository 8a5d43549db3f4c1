/** What a model that `writeOnnx` wrote says of itself, and its arrays; field numbers are those of onnx.proto. */
import { CorruptDataError } from '../../errors.ts';
import type { Bytes } from './bytes.ts';
import { fieldsOf } from './fields.ts';
import type { Range } from './fields.ts';
import type { ExternalPlace } from './model.ts';
import { METADATA } from './names.ts';

/** An array of a model: where its bytes are. */
export interface StoredArray {
  readonly shape: readonly number[];
  /** Code of TensorProto.DataType. */
  readonly type: number;
  /** Within the model, or in another file. */
  readonly place: Range | ExternalPlace;
}

/** The description that the model carries, as JSON. @throws CorruptDataError */
export function readDescription(model: Bytes): string {
  for (const { number, content } of fieldsOf(model, whole(model))) {
    if (number !== 14) continue;
    const { key, value } = entryIn(model, content);
    if (key === METADATA) return value;
  }
  throw new CorruptDataError(`${model.what} is not a network that Kindred wrote.`);
}

/** All arrays by name. @throws CorruptDataError */
export function readArrays(model: Bytes): Map<string, StoredArray> {
  const arrays = new Map<string, StoredArray>();
  for (const { number, content: graph } of fieldsOf(model, whole(model))) {
    if (number !== 7) continue;
    for (const { number: part, content } of fieldsOf(model, graph)) {
      if (part !== 5) continue;
      const { name, ...array } = arrayIn(model, content);
      arrays.set(name, array);
    }
  }
  return arrays;
}

const whole = ({ size }: Bytes): Range => ({ start: 0, end: size });

function arrayIn(model: Bytes, range: Range): StoredArray & { readonly name: string } {
  const shape: number[] = [];
  let [name, type, isExternal] = ['', 0, false];
  let place: Range = { start: 0, end: 0 };
  const entries: Record<string, string> = {};
  for (const { number, value, content } of fieldsOf(model, range)) {
    if (number === 1) shape.push(value);
    else if (number === 2) type = value;
    else if (number === 8) name = textOf(model, content);
    else if (number === 9) place = content;
    else if (number === 13) {
      const entry = entryIn(model, content);
      entries[entry.key] = entry.value;
    } else if (number === 14) isExternal = value === 1;
  }
  const { location = '', offset = '0', length = '0' } = entries;
  const external = { location, offset: Number(offset), length: Number(length) };
  return { name, shape, type, place: isExternal ? external : place };
}

/** StringStringEntryProto. */
function entryIn(model: Bytes, range: Range): { readonly key: string; readonly value: string } {
  const entry = { key: '', value: '' };
  for (const { number, content } of fieldsOf(model, range)) {
    if (number === 1) entry.key = textOf(model, content);
    else if (number === 2) entry.value = textOf(model, content);
  }
  return entry;
}

const textOf = (model: Bytes, { start, end }: Range): string =>
  Buffer.from(model.slice(start, end - start)).toString('utf8');
