/** What the model and what goes in and out of it are called. */
export const ONNX_FILE = 'embedding.onnx';
export const ONNX_INPUT = 'pixels';
export const ONNX_OUTPUT = 'embedding';

/** The key of the model's metadata that has its graph and preprocessing, as JSON. */
export const METADATA = 'kindred';
