import { SalesforceApiError } from '../api-error.js';

/** How the lines of a job are written. */
export interface CsvForm {
  readonly columnDelimiter: string;
  readonly lineEnding: string;
}

const DELIMITERS: Readonly<Record<string, string>> = {
  BACKQUOTE: '`',
  CARET: '^',
  COMMA: ',',
  PIPE: '|',
  SEMICOLON: ';',
  TAB: '\t',
};

/** @throws SalesforceApiError for a form that there is not */
export function csvFormOf(asked: { columnDelimiter?: unknown; lineEnding?: unknown }): CsvForm {
  const { columnDelimiter = 'COMMA', lineEnding = 'LF' } = asked;
  const isKnown = typeof columnDelimiter === 'string' && Object.hasOwn(DELIMITERS, columnDelimiter);
  if (!isKnown || (lineEnding !== 'LF' && lineEnding !== 'CRLF'))
    throw new SalesforceApiError(400, 'INVALIDJOB', 'Invalid columnDelimiter or lineEnding');
  return { columnDelimiter, lineEnding };
}

/** As Salesforce writes it: every cell stands in quotes. */
export function writeCsv(rows: readonly (readonly string[])[], form: CsvForm): string {
  const end = form.lineEnding === 'LF' ? '\n' : '\r\n';
  const line = (cells: readonly string[]) =>
    cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(DELIMITERS[form.columnDelimiter]) + end;
  return rows.map(line).join('');
}

/** @throws SalesforceApiError for what is no CSV */
export function readCsv(text: string, form: CsvForm): string[][] {
  const delimiter = DELIMITERS[form.columnDelimiter]!;
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < text.length;) {
    const cell = text[at] === '"' ? quotedCell(text, at) : plainCell(text, at, delimiter);
    row.push(cell.value);
    at = cell.end;
    if (text[at] === delimiter && at + 1 < text.length) {
      at += 1;
      continue;
    }
    if (text[at] === delimiter) row.push('');
    rows.push(row);
    row = [];
    at += text.startsWith('\r\n', at) ? 2 : 1;
  }
  return rows;
}

interface Cell {
  readonly value: string;
  readonly end: number;
}

function plainCell(text: string, at: number, delimiter: string): Cell {
  let end = at;
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end += 1;
  return { value: text.slice(at, end), end };
}

function quotedCell(text: string, at: number): Cell {
  const cell = /"((?:[^"]|"")*)"/y;
  cell.lastIndex = at;
  const found = cell.exec(text);
  if (!found) throw new SalesforceApiError(400, 'INVALIDBATCH', 'a quote is not closed');
  return { value: found[1]!.replaceAll('""', '"'), end: cell.lastIndex };
}
