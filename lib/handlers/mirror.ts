import type { Type } from '@nestjs/common';
import type { ObjectLiteral } from 'typeorm';
import type { RecordRef } from '../model/record.js';
import type { HandlerOptions, SourceSelector } from './handler.options.js';
import type { Provided } from './provided-function.js';

/** Turns a record's content into a row: only what it returns is written. `null`: this record has no row. */
export type MirrorMap<T, Row> = (
  data: T,
  record: RecordRef,
) => Partial<Row> | null | Promise<Partial<Row> | null>;

/** A map with dependencies: a provider of the host's. */
export interface MirrorMapper<T, Row> {
  map: MirrorMap<T, Row>;
}

export interface MirrorOptions<T, Row extends ObjectLiteral> extends HandlerOptions<T> {
  /** The entity whose table is written; on the module's data source. */
  to: Type<Row>;
  /**
   * What identifies the row of a record; the columns must have a unique constraint. One property name: it holds the
   * record's id. A function where more is needed: `(record) => ({ stripeId: record.id, account: record.connectionId })`.
   */
  key: readonly [keyof Row & string] | ((record: RecordRef) => Partial<Row>);
  /** A function, or a provider class with a `map` method. */
  map: Provided<'map', MirrorMap<T, Row>>;
  /**
   * What becomes of the row when the record is deleted: it goes too, it stays as it is, or these columns are set.
   * @default 'delete'
   */
  onDelete?: 'delete' | 'keep' | { set: Partial<Row> };
}

/** A mirror as `SyncModule.forFeature({ mirrors })` takes it. */
export interface Mirror {
  readonly source: SourceSelector;
  readonly resource: string;
  readonly options: MirrorOptions<any, any>;
}

/**
 * A ready-made change handler that keeps one row for each record of a resource. Its default name is
 * `mirror:<source>.<resource>><Entity>`.
 *
 * @example mirror('stripe', 'customer', { to: Customer, key: ['stripeId'], map: (c: Stripe.Customer) => ({ email: c.email }) })
 */
export function mirror<T, Row extends ObjectLiteral>(
  source: SourceSelector,
  resource: string,
  options: MirrorOptions<T, Row>,
): Mirror {
  return { source, resource, options };
}
