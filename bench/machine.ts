import { cpus, loadavg, platform, release, totalmem } from 'node:os';

/** The machine that measurements hold for, as it stands in the results. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Other work running when the bench started (one-minute load); above about 0.5 the figures are not to be trusted. */
  readonly loadAtStart: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    loadAtStart: loadavg()[0] ?? 0,
  };
}
