/** What a request may cost. */
export interface Limits {
  /** Bytes of one image. */
  readonly pictureBytes: number;
  /** Bytes of a whole body of images. */
  readonly bodyBytes: number;
  /** Images in one request. */
  readonly pictures: number;
  /** Seconds from the first line of a request to its response. */
  readonly seconds: number;
}

export const DEFAULT_LIMITS: Limits = {
  pictureBytes: 32 * 1024 * 1024,
  bodyBytes: 64 * 1024 * 1024,
  pictures: 16,
  seconds: 60,
};
