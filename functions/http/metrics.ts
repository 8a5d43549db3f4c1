/** Numbers of the running server, in the text format of Prometheus (exposition format 0.0.4). */

type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

export interface Counter {
  add(labels?: Labels, by?: number): void;
}

export interface Histogram {
  observe(seconds: number, labels?: Labels): void;
}

/** Upper ends of the buckets, in seconds: from a warm answer on a fast machine to a body over a slow line. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** All numbers of one server. */
export class Metrics {
  readonly #writers: (() => string)[] = [];

  /** What only goes up. */
  counter(name: string, help: string): Counter {
    const values = new Map<string, number>();
    this.#add({ name, help, type: 'counter' }, () => [...values].map(([of, value]) => line(name, of, value)));
    return {
      add(labels = {}, by = 1) {
        const of = labelText(labels);
        values.set(of, (values.get(of) ?? 0) + by);
      },
    };
  }

  /** What is looked up whenever somebody asks. */
  gauge(name: string, help: string, read: () => readonly (readonly [Labels, number])[]): void {
    this.#add({ name, help, type: 'gauge' }, () =>
      read().map(([labels, value]) => line(name, labelText(labels), value)),
    );
  }

  /** How long something took, in seconds. */
  histogram(name: string, help: string): Histogram {
    const all = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number }>();
    this.#add({ name, help, type: 'histogram' }, () =>
      [...all.values()].flatMap(({ labels, counts, sum }) => [
        ...counts.map((count, i) =>
          line(`${name}_bucket`, labelText({ ...labels, le: String(BUCKETS[i] ?? '+Inf') }), count),
        ),
        line(`${name}_sum`, labelText(labels), sum),
        line(`${name}_count`, labelText(labels), counts.at(-1) ?? 0),
      ]),
    );
    return {
      observe(seconds, labels = {}) {
        const of = labelText(labels);
        const found = all.get(of) ?? { labels, counts: [...BUCKETS.map(() => 0), 0], sum: 0 };
        all.set(of, found);
        found.sum += seconds;
        for (let i = 0; i <= BUCKETS.length; i++) {
          if (seconds <= (BUCKETS[i] ?? Infinity)) found.counts[i] = (found.counts[i] ?? 0) + 1;
        }
      },
    };
  }

  /** Everything, as Prometheus reads it. */
  text(): string {
    return this.#writers.map((write) => write()).join('');
  }

  #add({ name, help, type }: Family, lines: () => readonly string[]): void {
    this.#writers.push(() => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines().join('')}`);
  }
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels} ${value}\n`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
