import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What metrics of our own are made by. */

export type MetricDescription = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
};

type Make<T> = (name: string, help: string, labels?: readonly string[]) => T;
export type MakeCounter = Make<Counter>;
export type MakeGauge = Make<Gauge>;
export type MakeHistogram = (
  name: string,
  help: string,
  labels: readonly string[],
  bucketsSeconds?: readonly number[],
) => Histogram;

/** Makes metrics in a registry, and notes what each is. */
export function createMakers(registry: Registry) {
  const described: MetricDescription[] = [];
  const registers = [registry];
  const note = (
    type: MetricDescription['type'],
    name: string,
    help: string,
    labels: readonly string[],
  ) => {
    described.push({ name, type, labels, help });
    return { name, help, labelNames: [...labels], registers };
  };
  const counter: MakeCounter = (name, help, labels = []) =>
    new Counter(note('counter', name, help, labels));
  const gauge: MakeGauge = (name, help, labels = []) =>
    new Gauge(note('gauge', name, help, labels));
  const histogram: MakeHistogram = (name, help, labels, buckets) =>
    new Histogram({
      ...note('histogram', name, help, labels),
      ...(buckets && { buckets: [...buckets] }),
    });
  return { described, counter, gauge, histogram };
}
