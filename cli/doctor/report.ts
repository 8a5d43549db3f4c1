/** What `kindred doctor` found, in the order in which it is printed; the JSON form is this object. */
export interface DoctorReport {
  /** False when something needed is broken. */
  readonly ok: boolean;
  readonly sections: readonly Section[];
  readonly problems: readonly Problem[];
}

/** One group of facts, each a name and what was found. */
export interface Section {
  readonly title: string;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly problems: readonly Problem[];
}

export type Fact = string | number | boolean | null | readonly string[] | CacheFact;

/** One thing in the cache; `state` is "complete" or what is wrong. */
export interface CacheFact {
  readonly state: string;
  readonly bytes: number;
  readonly path: string;
}

export interface Problem {
  /** True when Kindred does not work without it. */
  readonly needed: boolean;
  readonly what: string;
  /** What to do about it. */
  readonly advice: string;
}

/** Puts the sections' problems together; those that matter most come first. */
export function reportOf(sections: readonly Section[]): DoctorReport {
  const problems = sections.flatMap((section) => section.problems);
  const needed = problems.filter((problem) => problem.needed);
  return {
    ok: needed.length === 0,
    sections,
    problems: [...needed, ...problems.filter((problem) => !problem.needed)],
  };
}
