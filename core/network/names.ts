/** The name that the nodes know the network's input by: RGB pixels, 0..255, float32, (N, size, size, 3). */
export const PIXELS = 'pixels';
