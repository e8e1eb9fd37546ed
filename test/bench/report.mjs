import { QUIET_CORES } from './statistics.mjs';

/** A table for people: the first column to the left, figures to the right. */
export function printTable(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(line(head));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(row));
}

/** The median, the extremes, and an asterisk where the machine was never quiet. */
export function ratioText({ median, least, most, quietRounds }) {
  const extremes = least === most ? '' : ` (${fixed(least, 2)}-${fixed(most, 2)})`;
  return `${fixed(median, 2)}${extremes}${quietRounds > 0 ? '' : ' *'}`;
}

export function printNotes(notes) {
  console.log(`\n${notes.join('\n')}\n`);
}

export const NOTE_ON_ROUNDS =
  `Medians (and extremes) of the rounds in which other programs took at most ${QUIET_CORES} cores; an asterisk: there was ` +
  'no such round, these are of all, and say little. "neighbours": those cores, in all rounds.';

export function fixed(value, digits = 0) {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** One line that says what was aimed at and what came of it. */
export function printGoal(what, goal, measured) {
  const reached = measured.median >= goal ? 'reached' : 'MISSED';
  const verdict = measured.quietRounds > 0 ? reached : 'the machine was too busy to tell';
  console.log(`goal: ${what} >= ${goal.toFixed(2)}: ${verdict}, ${ratioText(measured)}`);
}
