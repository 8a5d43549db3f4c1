/** Arrays by name: a safetensors file, a saved network. */
export interface WeightFile {
  has(name: string): boolean;
  shape(name: string): readonly number[];
  /** Numbers from `start` on, in row-major order. */
  read(name: string, start: number, count: number): Float32Array;
}
