/** Percentile of a list that is not empty, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1));
  return sorted[rank] ?? Number.NaN;
}

/** `p50 1234 ms, p99 2345 ms, n 200`. */
export function describeFigure(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const [p50, p99] = [percentile(values, 0.5), percentile(values, 0.99)];
  return `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms, n ${values.length}`;
}
