import type { Type } from '@nestjs/common';
import type { ObjectLiteral } from 'typeorm';
import type { RecordRef } from '../model/record.js';
import type { Target } from '../model/target.js';
import type { ChangeHandlerOptions, HandlerOptions, SourceSelector } from './handler.options.js';
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

export interface MirrorOptions<T, Row extends ObjectLiteral>
  extends HandlerOptions<T>, Pick<ChangeHandlerOptions<T>, 'batch'> {
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

/** Options of a mirror that writes to another system. It runs without a transaction, at least once. */
export interface TargetMirrorOptions<T, Row extends object> extends HandlerOptions<T> {
  transaction?: 'none';
  /** Where it writes: `salesforceObject('crm', 'Invoice__c', { externalId: 'Stripe_Id__c' })`, or one of your own. */
  to: Target<Row>;
  /** What identifies the row of a record there. @default the record's id */
  key?: (record: RecordRef) => string;
  /** A function, or a provider class with a `map` method. Only what it returns is written. */
  map: Provided<'map', MirrorMap<T, Row>>;
  /**
   * What becomes of the row when the record is deleted, or `map` returns `null`: it goes too, it stays as it is, or these fields are set.
   * @default 'delete'
   */
  onDelete?: 'delete' | 'keep' | { set: Partial<Row> };
}

/** A mirror as `SyncModule.forFeature({ mirrors })` takes it. */
export interface Mirror {
  readonly source: SourceSelector;
  readonly resource: string;
  readonly options: MirrorOptions<any, any> | TargetMirrorOptions<any, any>;
}

/**
 * A ready-made change handler that keeps one row for each record of a resource, in a table of yours or at a target. Its
 * default name is `mirror:<source>.<resource>><Entity>`, with the target's name for the entity's.
 *
 * @example mirror('stripe', 'customer', { to: Customer, key: ['stripeId'], map: (c: Stripe.Customer) => ({ email: c.email }) })
 */
export function mirror<T, Row extends ObjectLiteral>(
  source: SourceSelector,
  resource: string,
  options: MirrorOptions<T, Row>,
): Mirror;
export function mirror<T, Row extends object>(
  source: SourceSelector,
  resource: string,
  options: TargetMirrorOptions<T, Row>,
): Mirror;
export function mirror(source: SourceSelector, resource: string, options: Mirror['options']): Mirror {
  return { source, resource, options };
}

/** A mirror that writes to a table. */
export interface TableMirror extends Mirror {
  readonly options: MirrorOptions<any, any>;
}

/** A mirror that writes to a target. */
export interface TargetMirror extends Mirror {
  readonly options: TargetMirrorOptions<any, any>;
}

/** An entity is a class, and whatever else is no target is found to be no entity. */
export function isTargetMirror(mirror: Mirror): mirror is TargetMirror {
  const to = (mirror.options as Partial<Mirror['options']> | null | undefined)?.to as
    Partial<Target> | undefined;
  return typeof to === 'object' && to !== null && typeof to.write === 'function';
}

export function isTableMirror(mirror: Mirror): mirror is TableMirror {
  return !isTargetMirror(mirror);
}
