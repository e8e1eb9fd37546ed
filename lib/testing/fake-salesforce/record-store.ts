import { longIdOf } from '../../connectors/salesforce/salesforce.record-id.js';
import type { Random } from '../fake-provider/random.js';
import { SalesforceApiError, notFound } from './api-error.js';
import { compoundsOf } from './compound-fields.js';
import { formatTime, secondOf } from './dates.js';
import { checked, checkUnique } from './record-check.js';
import type { Schema, SObject } from './schema.js';
import type { SalesforceFields, StoredRecord } from './stored-record.js';

export type ChangeKind = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE';

/** A change that is committed. */
export interface CommittedChange {
  readonly kind: ChangeKind;
  readonly record: StoredRecord;
}

/** Who has committed, and when. */
export interface Commit {
  /** The name that the API's caller has given itself (`Sforce-Call-Options`); '': none. */
  readonly client: string;
  /** In milliseconds. */
  readonly at: number;
}

/** Changes that have their stamps already, and that nobody sees before `commit()`. */
export class Transaction {
  private readonly staged = new Map<string, CommittedChange>();

  constructor(
    private readonly store: RecordStore,
    private readonly client: string,
  ) {}

  find(id: string): StoredRecord | undefined {
    return this.staged.get(id)?.record ?? this.store.find(id);
  }

  /** @throws SalesforceApiError what the org refuses */
  create(object: SObject, given: SalesforceFields): StoredRecord {
    const { schema, userId } = this.store;
    const fields = checked(schema, object, given, 'create', (name) => this.visible(name));
    const id = typeof given.Id === 'string' ? longIdOf(given.Id)! : this.store.nextId(object.prefix);
    if (this.find(id)) throw new SalesforceApiError(400, 'DUPLICATE_VALUE', `duplicate value found: ${id}`);
    checkUnique(object, fields, id, () => this.visible(object.name));
    const stamp = formatTime(secondOf(this.store.now()));
    const whole = {
      ...fields,
      Id: id,
      OwnerId: fields.OwnerId ?? userId,
      IsDeleted: false,
      CreatedDate: stamp,
      CreatedById: userId,
      LastModifiedDate: stamp,
      LastModifiedById: userId,
      SystemModstamp: stamp,
    };
    return this.stage('CREATE', {
      object,
      id,
      fields: composed(object, whole),
      deleted: false,
      previous: null,
    });
  }

  /** @throws SalesforceApiError */
  update(id: string, given: SalesforceFields): StoredRecord {
    const before = this.live(id);
    const { object } = before;
    const fields = checked(this.store.schema, object, given, 'update', (name) => this.visible(name));
    checkUnique(object, fields, before.id, () => this.visible(object.name));
    return this.stage(
      'UPDATE',
      this.revised(before, composed(object, { ...before.fields, ...fields }), false),
    );
  }

  /** @throws SalesforceApiError */
  remove(id: string): StoredRecord {
    const before = this.live(id);
    return this.stage('DELETE', this.revised(before, { ...before.fields, IsDeleted: true }, true));
  }

  /** Takes one out of the recycle bin. @throws SalesforceApiError */
  restore(id: string): StoredRecord {
    const before = this.find(longIdOf(id) ?? '');
    if (!before?.deleted) throw notFound();
    return this.stage('UNDELETE', this.revised(before, { ...before.fields, IsDeleted: false }, false));
  }

  commit(): void {
    this.store.apply([...this.staged.values()], this.client);
    this.staged.clear();
  }

  private live(given: string): StoredRecord {
    const id = longIdOf(given);
    if (id === null) throw new SalesforceApiError(400, 'MALFORMED_ID', `malformed id ${given}`, ['Id']);
    const record = this.find(id);
    if (!record) throw notFound();
    if (record.deleted) throw new SalesforceApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted');
    return record;
  }

  private revised(before: StoredRecord, fields: SalesforceFields, deleted: boolean): StoredRecord {
    const stamp = formatTime(secondOf(this.store.now()));
    const stamps = { LastModifiedDate: stamp, LastModifiedById: this.store.userId, SystemModstamp: stamp };
    return { ...before, fields: { ...fields, ...stamps }, deleted, previous: before };
  }

  private stage(kind: ChangeKind, record: StoredRecord): StoredRecord {
    const earlier = this.staged.get(record.id);
    this.staged.set(record.id, { kind: earlier?.kind === 'CREATE' ? 'CREATE' : kind, record });
    return record;
  }

  /** As this transaction sees them. */
  private visible(objectName: string): StoredRecord[] {
    return [
      ...this.store.all(objectName).filter(({ id }) => !this.staged.has(id)),
      ...[...this.staged.values()]
        .map(({ record }) => record)
        .filter(({ object }) => object.name === objectName),
    ];
  }
}

/** All records of an org, and the only code that changes them. */
export class RecordStore {
  private readonly byObject = new Map<string, Map<string, StoredRecord>>();
  private readonly listeners: ((changes: readonly CommittedChange[], commit: Commit) => void)[] = [];
  private readonly purges = new Map<string, number>();
  private readonly erased = new Map<string, readonly StoredRecord[]>();
  private ids = 0;
  /** Tells the ids of one org from those of others. */
  private readonly pod: string;

  constructor(
    readonly schema: Schema,
    readonly now: () => Date,
    random: Random,
    /** Whose doing everything is. */
    readonly userId: string,
  ) {
    this.pod = random.text(3);
  }

  /** Told of each commit. */
  onCommit(listener: (changes: readonly CommittedChange[], commit: Commit) => void): void {
    this.listeners.push(listener);
  }

  /** @param client whoever does it, by the name that they have given themselves */
  begin(client = ''): Transaction {
    return new Transaction(this, client);
  }

  /** In a transaction of its own. */
  change<T>(work: (transaction: Transaction) => T, client = ''): T {
    const transaction = this.begin(client);
    const result = work(transaction);
    transaction.commit();
    return result;
  }

  /** Whatever the form of the id; deleted ones too. */
  find(given: string): StoredRecord | undefined {
    const id = longIdOf(given);
    const object = id === null ? undefined : this.schema.objectOfId(id);
    return object && this.byObject.get(object.name)?.get(id!);
  }

  /** Of one object, oldest first; deleted ones too. */
  all(objectName: string): StoredRecord[] {
    return [...(this.byObject.get(objectName)?.values() ?? [])];
  }

  /** Deletes a record that comes into no recycle bin. */
  erase(id: string): void {
    const record = this.change((transaction) => transaction.remove(id));
    const { name } = record.object;
    this.byObject.get(name)!.delete(record.id);
    this.erased.set(name, [...this.erasedOf(name), record]);
  }

  /** Those that were deleted in such a way. */
  erasedOf(objectName: string): readonly StoredRecord[] {
    return this.erased.get(objectName) ?? [];
  }

  /** Forgets deleted records for good, and that they were deleted. */
  purge(objectName: string): void {
    this.erased.delete(objectName);
    for (const { id, deleted } of this.all(objectName))
      if (deleted) this.byObject.get(objectName)!.delete(id);
    this.purges.set(objectName, this.now().getTime());
  }

  /** When that was last done, in milliseconds; 0: never. */
  purgedAt(objectName: string): number {
    return this.purges.get(objectName) ?? 0;
  }

  /** Ids ascend, as those of records that are created one after the other do. */
  nextId(prefix: string): string {
    this.ids += 1;
    return longIdOf(`${prefix}${this.pod}${base62(this.ids).padStart(9, '0')}`)!;
  }

  /** @internal */
  apply(staged: readonly CommittedChange[], client: string): void {
    if (staged.length === 0) return;
    const changes = staged.map(({ kind, record }) => {
      const { name } = record.object;
      const before = this.byObject.get(name)?.get(record.id) ?? null;
      const kept = { ...record, previous: before && { ...before, previous: null } };
      if (!this.byObject.has(name)) this.byObject.set(name, new Map());
      this.byObject.get(name)!.set(record.id, kept);
      return { kind, record: kept };
    });
    const commit = { client, at: this.now().getTime() };
    for (const listener of this.listeners) listener(changes, commit);
  }
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(value: number): string {
  return (value >= 62 ? base62(Math.floor(value / 62)) : '') + DIGITS[value % 62];
}

/** The name of a person is made of its parts, and so are addresses. */
function composed(object: SObject, fields: SalesforceFields): SalesforceFields {
  const whole = { ...fields, ...compoundsOf(object, fields) };
  if (!Object.hasOwn(object.fields, 'LastName')) return whole;
  const Name = [fields.FirstName, fields.LastName].filter(Boolean).join(' ');
  return { ...whole, Name };
}
