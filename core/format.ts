/** Numbers and times as people read them. */

/** 75168640 -> "75,168,640". */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** "1 picture", "2 pictures"; plurals other than with "s" are given. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A share as a percentage: 0.8266 -> "82.7 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A difference of shares in points: 0.047 -> "+4.7". */
export function points(difference: number): string {
  const text = (difference * 100).toFixed(1);
  return difference > 0 ? `+${text}` : text.replace(/^-0\.0$/, '0.0');
}

/** A p-value: "p = 0.031", "p < 0.0001". */
export function probability(p: number): string {
  return p < 1e-4 ? 'p < 0.0001' : `p = ${p.toPrecision(2).replace(/^1\.0$/, '1')}`;
}

/** A number with enough digits to tell apart what is close: 0.0123, 1.234, 123.4. */
export function decimal(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && magnitude < 1e-4) return value.toExponential(2);
  return value.toFixed(magnitude < 10 ? 4 : magnitude < 1000 ? 2 : 0);
}

/** 75 -> "1 min 15 s". */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** 3560 -> "3.6 kB". */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [size, 0];
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "2026-07-01T12:34:56.789Z" -> "2026-07-01 12:34". */
export function moment(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
