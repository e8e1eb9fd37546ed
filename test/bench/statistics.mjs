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

/** Other programs may take so many cores before what was measured beside them is left out. */
export const QUIET_CORES = 0.3;

/** Of the rounds in which the machine was quiet; where there was none, of all. */
export function medianOf(runs, figure) {
  const quiet = runs.filter(isQuiet);
  return median((quiet.length > 0 ? quiet : runs).map(figure));
}

/** Round by round, how one stands to the other: the median and the extremes of the ratios, of quiet rounds as above. */
export function ratio(ones, others) {
  const rounds = ones.map((one, round) => ({ one, other: others[round] }));
  const quiet = rounds.filter(({ one, other }) => isQuiet(one) && isQuiet(other));
  const ratios = (quiet.length > 0 ? quiet : rounds).map(({ one, other }) => one.perSecond / other.perSecond);
  return {
    median: median(ratios),
    least: Math.min(...ratios),
    most: Math.max(...ratios),
    quietRounds: quiet.length,
  };
}

function isQuiet({ neighbours }) {
  return neighbours <= QUIET_CORES;
}
