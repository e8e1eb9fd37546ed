/** A table for people: the first column to the left, figures to the right. */
export function printTable(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(line(head));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(row));
}

export function ratioText({ median, least, most }) {
  if (Number.isNaN(median)) return '-';
  return least === most ? fixed(median, 2) : `${fixed(median, 2)} (${fixed(least, 2)}-${fixed(most, 2)})`;
}

export function fixed(value, digits = 0) {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** One line that says what was aimed at and what came of it. */
export function printGoal(what, goal, measured) {
  const verdict = measured.median >= goal ? 'reached' : 'MISSED';
  console.log(`goal: ${what} >= ${goal.toFixed(2)}: ${verdict}, ${ratioText(measured)}`);
}
