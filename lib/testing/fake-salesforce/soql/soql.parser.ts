import { malformedQuery } from '../api-error.js';
import { tokensOf, type Token } from './soql.tokens.js';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'IN' | 'NOT IN';

/** What a field is compared with. A `time` stood without quotes: a date or a date with a time. */
export type Literal =
  | { readonly kind: 'text' | 'time'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' };

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'compare';
      readonly field: string;
      readonly operator: Operator;
      readonly values: readonly Literal[];
    };

export interface SoqlQuery {
  /** Names, `FIELDS(ALL)` and the like as they were written, and `COUNT()`. */
  readonly fields: readonly string[];
  readonly object: string;
  readonly where: Condition | null;
  readonly orderBy: readonly {
    readonly field: string;
    readonly down: boolean;
    readonly nullsLast: boolean;
  }[];
  readonly limit: number | null;
  readonly offset: number;
}

/**
 * Reads a query over one object: fields of its own and of its parents, conditions, order, limit and offset.
 * @throws SalesforceApiError `MALFORMED_QUERY` for anything else, be it SOQL or not
 */
export function parseSoql(soql: string): SoqlQuery {
  return new Parser(tokensOf(soql)).query();
}

class Parser {
  private at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  query(): SoqlQuery {
    this.expect('SELECT');
    const fields = [this.selected()];
    while (this.takes(',')) fields.push(this.selected());
    this.expect('FROM');
    const object = this.name();
    const where = this.takes('WHERE') ? this.condition() : null;
    const orderBy = this.takes('ORDER') ? this.order() : [];
    const limit = this.takes('LIMIT') ? this.count() : null;
    const offset = this.takes('OFFSET') ? this.count() : 0;
    const rest = this.tokens[this.at];
    if (rest) throw malformedQuery(`unexpected token: '${rest.value}'`);
    return { fields, object, where, orderBy, limit, offset };
  }

  private selected(): string {
    const name = this.name();
    if (!this.takes('(')) return name;
    const argument = this.tokens[this.at]?.value === ')' ? '' : this.name();
    this.expect(')');
    return `${name.toUpperCase()}(${argument.toUpperCase()})`;
  }

  /** Without parentheses there is AND or OR, never both. */
  private condition(): Condition {
    const parts = [this.single()];
    const joint = this.tokens[this.at]?.value.toUpperCase();
    if (joint !== 'AND' && joint !== 'OR') return parts[0]!;
    while (this.takes(joint)) parts.push(this.single());
    const next = this.tokens[this.at]?.value.toUpperCase();
    if (next === 'AND' || next === 'OR') throw malformedQuery(`unexpected token: '${next}'`);
    return { kind: joint === 'AND' ? 'and' : 'or', parts };
  }

  private single(): Condition {
    if (this.takes('NOT')) return { kind: 'not', part: this.single() };
    if (this.takes('(')) {
      const inner = this.condition();
      this.expect(')');
      return inner;
    }
    const field = this.name();
    const operator = this.operator();
    if (operator !== 'IN' && operator !== 'NOT IN')
      return { kind: 'compare', field, operator, values: [this.literal()] };
    this.expect('(');
    const values = [this.literal()];
    while (this.takes(',')) values.push(this.literal());
    this.expect(')');
    return { kind: 'compare', field, operator, values };
  }

  private operator(): Operator {
    if (this.takes('NOT')) {
      this.expect('IN');
      return 'NOT IN';
    }
    const { value } = this.next();
    const operator = value.toUpperCase();
    if (!['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'IN'].includes(operator))
      throw malformedQuery(`unexpected token: '${value}'`);
    return operator as Operator;
  }

  private literal(): Literal {
    const { kind, value } = this.next();
    if (kind === 'text') return { kind: 'text', value };
    if (/^(true|false)$/i.test(value)) return { kind: 'boolean', value: value.toLowerCase() === 'true' };
    if (/^null$/i.test(value)) return { kind: 'null' };
    if (/^[+-]?\d+(\.\d+)?$/.test(value)) return { kind: 'number', value: Number(value) };
    if (/^\d{4}-\d\d-\d\d/.test(value)) return { kind: 'time', value };
    throw malformedQuery(`unexpected token: '${value}'`);
  }

  private order(): SoqlQuery['orderBy'] {
    this.expect('BY');
    const fields = [];
    do {
      const field = this.name();
      const down = this.takes('DESC') || (this.takes('ASC'), false);
      let nullsLast = false;
      if (this.takes('NULLS')) nullsLast = this.takes('LAST') || (this.expect('FIRST'), false);
      fields.push({ field, down, nullsLast });
    } while (this.takes(','));
    return fields;
  }

  private count(): number {
    const { value } = this.next();
    if (!/^\d+$/.test(value)) throw malformedQuery(`unexpected token: '${value}'`);
    return Number(value);
  }

  private name(): string {
    const { kind, value } = this.next();
    if (kind !== 'word' || !/^[a-z][\w.]*$/i.test(value))
      throw malformedQuery(`unexpected token: '${value}'`);
    return value;
  }

  private next(): Token {
    const token = this.tokens[this.at++];
    if (!token) throw malformedQuery("unexpected token: '<EOF>'");
    return token;
  }

  private takes(value: string): boolean {
    const token = this.tokens[this.at];
    if (!token || token.kind === 'text' || token.value.toUpperCase() !== value) return false;
    this.at += 1;
    return true;
  }

  private expect(value: string): void {
    if (!this.takes(value))
      throw malformedQuery(`expecting ${value}, found '${this.tokens[this.at]?.value ?? '<EOF>'}'`);
  }
}
