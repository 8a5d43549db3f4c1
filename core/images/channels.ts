/** RGB from grey (1 channel, or 2 with what is ignored) or from RGB (3, or more of which the rest is ignored). */
export function toRgb(samples: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(samples.buffer, samples.byteOffset, samples.length);
  const result = new Uint8Array((samples.length / channels) * 3);
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    for (let channel = 0; channel < 3; channel++) {
      result[to + channel] = samples[from + (channels < 3 ? 0 : channel)] as number;
    }
  }
  return result;
}

/**
 * RGB from CMYK of ideal inks, 255 being full ink: each ink takes its complement, black takes all.
 * R = 255 (1 - C)(1 - K) and so on, with C and K in 0..1: what browsers and Pillow show when no profile says more.
 */
export function cmykToRgb(samples: Uint8Array, channels: number): Uint8Array {
  const result = new Uint8Array((samples.length / channels) * 3);
  for (let from = 0, to = 0; to < result.length; from += channels, to += 3) {
    const light = 255 - (samples[from + 3] as number);
    for (let channel = 0; channel < 3; channel++) {
      result[to + channel] = Math.round(((255 - (samples[from + channel] as number)) * light) / 255);
    }
  }
  return result;
}
