/** The messages of an ONNX model that Kindred writes; field numbers are those of onnx.proto (onnx.ai, Apache 2.0). */
import { Message } from './protobuf.ts';
import type { Promised } from './protobuf.ts';

/** Old enough for most programs to read, of 2022; nothing newer is needed. */
const OPSET = 17;
const IR_VERSION = 8;

/** Codes of TensorProto.DataType. */
const DATA_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type DataType = keyof typeof DATA_TYPES;
export const FLOAT32 = DATA_TYPES.float32;
export const FLOAT16 = DATA_TYPES.float16;

/** Code of TensorProto.DataLocation. */
const EXTERNAL = 1;

export type Attribute = number | string | readonly number[];
/** Whole numbers are integers, but those written as `{ float }`. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** A name is given to a dimension of any size. */
export type Dimension = number | string;

export function tensor(name: string, dimensions: readonly number[], type: DataType, data: Promised): Message {
  return described(name, dimensions, type).bytes(9, data);
}

/** Where an array lies in another file: bytes from `offset` on. */
export interface ExternalPlace {
  /** The file's name, relative to the model. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A tensor whose numbers lie in another file. */
export function externalTensor(
  name: string,
  dimensions: readonly number[],
  type: DataType,
  { location, offset, length }: ExternalPlace,
): Message {
  const message = described(name, dimensions, type);
  const entries = Object.entries({ location, offset: String(offset), length: String(length) });
  for (const [key, value] of entries) message.message(13, new Message().text(1, key).text(2, value));
  return message.integer(14, EXTERNAL);
}

function described(name: string, dimensions: readonly number[], type: DataType): Message {
  const message = new Message();
  for (const size of dimensions) message.integer(1, size);
  return message.integer(2, DATA_TYPES[type]).text(8, name);
}

export function node(
  operation: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes,
): Message {
  const message = new Message();
  for (const input of inputs) message.text(1, input);
  message.text(2, output).text(3, output).text(4, operation);
  for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value));
  return message;
}

/** Kinds of attributes are those of AttributeProto: 2 integer, 3 text, 7 integers. */
function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return message.text(4, value).integer(20, 3);
  for (const each of value) message.integer(8, each);
  return message.integer(20, 7);
}

export interface Graph {
  readonly nodes: readonly Message[];
  readonly initializers: readonly Message[];
  readonly inputs: readonly Message[];
  readonly output: Message;
}

/** What goes in or comes out. */
export function valueInfo(
  name: string,
  dimensions: readonly Dimension[],
  elements: DataType = 'float32',
): Message {
  const shape = new Message();
  for (const size of dimensions) {
    shape.message(1, typeof size === 'number' ? new Message().integer(1, size) : new Message().text(2, size));
  }
  const type = new Message().integer(1, DATA_TYPES[elements]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, type));
}

/** @param notes kept in the model's metadata */
export function modelOf(graph: Graph, notes: Readonly<Record<string, string>>): Message {
  const body = new Message();
  for (const each of graph.nodes) body.message(1, each);
  body.text(2, 'kindred');
  for (const each of graph.initializers) body.message(5, each);
  for (const each of graph.inputs) body.message(11, each);
  body.message(12, graph.output);
  const message = new Message().integer(1, IR_VERSION).text(2, 'kindred').message(7, body);
  message.message(8, new Message().text(1, '').integer(2, OPSET));
  for (const [key, text] of Object.entries(notes)) {
    message.message(14, new Message().text(1, key).text(2, text));
  }
  return message;
}
