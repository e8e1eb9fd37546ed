/** What is to be said of many measurements. */

export function median(values) {
  return percentile(values, 0.5);
}

/** NaN of nothing. Between two measurements: the nearer one; of two in the middle, their mean. */
export function percentile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  if (share === 0.5) return (sorted[Math.floor(at)] + sorted[Math.ceil(at)]) / 2;
  return sorted[Math.round(at)];
}

/** Round by round, how one stands to the other: the median and the extremes of the ratios. */
export function ratio(ones, others) {
  const ratios = ones.map((one, round) => one / others[round]);
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}
