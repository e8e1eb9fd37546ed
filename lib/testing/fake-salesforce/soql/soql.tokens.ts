import { malformedQuery } from '../api-error.js';

/** A piece of a query. A `word` is a name, a keyword, a number or a date; a `text` stood in quotes. */
export interface Token {
  readonly kind: 'word' | 'text' | 'sign';
  readonly value: string;
}

const PIECE = /\s+|'((?:[^'\\]|\\.)*)'|([\w.:+-]+)|(<=|>=|!=|<>|[=<>(),])/gy;

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** @throws SalesforceApiError `MALFORMED_QUERY` */
export function tokensOf(soql: string): Token[] {
  const tokens: Token[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < soql.length) {
    const at = PIECE.lastIndex;
    const found = PIECE.exec(soql);
    if (!found) throw malformedQuery(`unexpected token: '${soql.slice(at, at + 10)}'`);
    const [, text, word, sign] = found;
    if (text !== undefined)
      tokens.push({ kind: 'text', value: text.replaceAll(/\\(.)/gs, (_, c: string) => ESCAPED[c] ?? c) });
    else if (word !== undefined) tokens.push({ kind: 'word', value: word });
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign === '<>' ? '!=' : sign });
  }
  return tokens;
}
