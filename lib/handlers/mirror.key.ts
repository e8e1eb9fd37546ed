import type { DataSource, EntityManager, EntityMetadata, ObjectLiteral, QueryRunner } from 'typeorm';
import { dataSourceOf } from '../entities/data-source-of.js';
import { declaredKeysOf, uniqueKeysOf, type UniqueKey } from '../entities/unique-keys.js';
import { isRecord } from '../model/option-kinds.js';
import { shown, unknownName } from '../model/option-problem.js';
import type { RecordRef } from '../model/record.js';
import { SyncConfigError } from '../sync.errors.js';
import { isTableMirror, type Mirror, type TableMirror } from './mirror.js';

/**
 * What identifies the row of a record. An upsert needs a unique key on it: where `key` is a function, only a record can
 * show on what.
 */
export class MirrorKey {
  /** Properties that have been found to be unique, as they come from the function. */
  private readonly unique = new Set<string>();

  constructor(private readonly mirror: TableMirror) {}

  /** @throws SyncConfigError if the function gives nothing that could identify a row, or nothing unique */
  async of(record: RecordRef, manager: EntityManager): Promise<ObjectLiteral> {
    const { key, to } = this.mirror.options;
    if (typeof key !== 'function') return { [key[0]]: record.id };
    const identity: unknown = key(record);
    const problem = identityProblem(identity);
    if (problem) throw this.invalid(problem);
    const properties = Object.keys(identity as object);
    if (!this.unique.has(properties.join())) {
      const metadata = dataSourceOf(manager).getMetadata(to);
      const unknown = unknownKeyProperty(metadata, properties);
      if (unknown) throw this.invalid(unknown);
      await assertUnique(this.mirror, metadata, manager.queryRunner!, properties);
      this.unique.add(properties.join());
    }
    return identity as ObjectLiteral;
  }

  private invalid(problem: string): SyncConfigError {
    return new SyncConfigError(
      'SYNC_INVALID_OPTION',
      `the key of the mirror of '${this.mirror.resource}': ${problem}`,
    );
  }
}

/**
 * That each mirror whose key is known at boot can be upserted by it. A table that is there says so itself, since its
 * keys may be the work of migrations that the entity does not repeat; for one that is still to be made, the entity does.
 * @throws SyncConfigError `SYNC_MIRROR_KEY_NOT_UNIQUE`
 */
export async function checkMirrorKeys(mirrors: readonly Mirror[], host: DataSource): Promise<void> {
  const known = mirrors.filter(isTableMirror).filter(({ options }) => typeof options.key !== 'function');
  if (known.length === 0) return;
  const runner = host.createQueryRunner();
  try {
    for (const mirror of known) {
      const metadata = host.getMetadata(mirror.options.to);
      await assertUnique(mirror, metadata, runner, mirror.options.key as readonly string[]);
    }
  } finally {
    await runner.release();
  }
}

/** What is wrong with these names as properties of a key; null: the entity has them all, each in one column. */
export function unknownKeyProperty(metadata: EntityMetadata, properties: readonly string[]): string | null {
  const relations = metadata.relations.filter(({ joinColumns }) => joinColumns.length === 1);
  const known = [...metadata.columns, ...relations].map(({ propertyPath }) => propertyPath);
  return unknownProperty(
    metadata,
    properties,
    known.filter((path) => !path.includes('.')),
  );
}

/** What is wrong with these names as properties to be set; null: the entity has them all, and they may be updated. */
export function unknownSetProperty(metadata: EntityMetadata, properties: readonly string[]): string | null {
  const columns = metadata.columns.filter(({ isUpdate }) => isUpdate);
  const relations = metadata.relations.filter(({ isOwning }) => isOwning);
  const known = [...columns, ...relations].map(({ propertyPath }) => propertyPath.split('.')[0]!);
  return unknownProperty(metadata, properties, known);
}

function unknownProperty(
  { name }: EntityMetadata,
  properties: readonly string[],
  known: readonly string[],
): string | null {
  const asked = Object.fromEntries(properties.map((property) => [property, true]));
  return unknownName(`${name} has no such property`, asked, [...new Set(known)]);
}

async function assertUnique(
  { resource }: Mirror,
  metadata: EntityMetadata,
  runner: QueryRunner,
  properties: readonly string[],
): Promise<void> {
  const columns = metadata.mapPropertyPathsToColumns([...properties]).map(({ databaseName }) => databaseName);
  const keys = await uniqueKeysOf(runner, metadata);
  if ((keys ?? declaredKeysOf(metadata)).some((key) => isSame(key, columns))) return;
  const where = keys ? `the table ${metadata.tablePath}` : `the entity ${metadata.name}`;
  const fix =
    properties.length === 1
      ? `@Column({ unique: true }) ${properties[0]}`
      : `@Unique([${properties.map((name) => `'${name}'`).join(', ')}])`;
  throw new SyncConfigError(
    'SYNC_MIRROR_KEY_NOT_UNIQUE',
    `the mirror of '${resource}' finds its rows by ${properties.join(' and ')}, and ${where} has no primary key, ` +
      `unique constraint or unique index on exactly that. Add one: ${fix}, and its migration.`,
  );
}

function isSame(key: UniqueKey, columns: readonly string[]): boolean {
  return key.length === columns.length && columns.every((name) => key.includes(name));
}

function identityProblem(identity: unknown): string | null {
  if (!isRecord(identity) || Object.keys(identity).length === 0)
    return `the function must give an object with at least one property, and gave ${shown(identity)}`;
  const empty = Object.keys(identity).find((name) => identity[name] == null);
  return empty === undefined
    ? null
    : `the function gave ${shown(identity[empty])} for ${empty}, which identifies no row`;
}
