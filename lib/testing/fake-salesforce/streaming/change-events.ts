import { isCompound } from '../compound-fields.js';
import type { CommittedChange, Commit } from '../record-store.js';
import type { EventBus } from './event-bus.js';

/** More changes than that by one transaction are told of by an overflow (docs: 100,000). */
const MOST_CHANGES = 100_000;

/** Where changes of all objects are told of. */
export const ALL_CHANGES = '/data/ChangeEvents';

/** Not of the record's content, in the eyes of change events. */
const UNTOLD: ReadonlySet<string> = new Set(['SystemModstamp', 'IsDeleted', 'Id']);

/** `/data/AccountChangeEvent`, and of an object of one's own `/data/Invoice__ChangeEvent`. */
export function changeChannelOf(object: string): string {
  return `/data/${object.replace(/__c$/, '__')}ChangeEvent`;
}

/** Change Data Capture: tells of every commit, as `ChangeEventHeader` has it. */
export class ChangeEvents {
  private commits = 0;

  constructor(
    private readonly bus: EventBus,
    private readonly userId: string,
  ) {}

  /** What is changed alike by one transaction is told of together. */
  publish(changes: readonly CommittedChange[], { client, at }: Commit): void {
    const transactionKey = this.nextKey();
    if (changes.length > MOST_CHANGES) {
      for (const object of new Set(changes.map(({ record }) => record.object.name)))
        this.overflow(object, at);
      return;
    }
    const alike = new Map<string, { entityName: string; told: Told; ids: string[] }>();
    for (const change of changes) {
      const told = toldOf(change);
      const entityName = change.record.object.name;
      const name = JSON.stringify([entityName, told]);
      const group = alike.get(name) ?? { entityName, told, ids: [] };
      alike.set(name, group);
      group.ids.push(change.record.id);
    }
    let sequenceNumber = 0;
    for (const { entityName, told, ids: recordIds } of alike.values()) {
      sequenceNumber += 1;
      const { changeType, fields, changedFields, nulledFields } = told;
      this.send(entityName, fields, {
        ...this.header(entityName, at, client),
        recordIds,
        changeType,
        transactionKey,
        sequenceNumber,
        changedFields,
        nulledFields,
        diffFields: [],
      });
    }
  }

  /** Tells that something has changed, and not what: Salesforce does so when it cannot make the event itself. */
  gap(entityName: string, recordIds: readonly string[], kind: string, at: number): void {
    const header = {
      ...this.header(entityName, at, ''),
      recordIds,
      changeType: `GAP_${kind}`,
      transactionKey: this.nextKey(),
    };
    this.send(entityName, {}, { ...header, sequenceNumber: 1, changedFields: [] });
  }

  /** Tells that more has changed than it can tell of. */
  overflow(entityName: string, at: number): void {
    const header = { ...this.header(entityName, at, ''), recordIds: ['000000000000000AAA'] };
    this.send(entityName, {}, { ...header, changeType: 'GAP_OVERFLOW', transactionKey: this.nextKey() });
  }

  private send(entityName: string, fields: object, header: object): void {
    this.bus.publish([changeChannelOf(entityName), ALL_CHANGES], { ChangeEventHeader: header, ...fields });
  }

  private header(entityName: string, at: number, client: string): object {
    return {
      entityName,
      changeOrigin: `com/salesforce/api/rest/60.0${client && `;client=${client}`}`,
      commitTimestamp: at,
      commitUser: this.userId,
      commitNumber: this.commits,
    };
  }

  private nextKey(): string {
    this.commits += 1;
    return `0000${this.commits.toString(16).padStart(4, '0')}-0000-0000-0000-000000000000`;
  }
}

interface Told {
  readonly changeType: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly changedFields: readonly string[];
  readonly nulledFields: readonly string[];
}

/** Of a new record all fields, of a change those that are different, of a deletion none. */
function toldOf({ kind: changeType, record: { fields, previous, object } }: CommittedChange): Told {
  const isTold = (name: string) => !UNTOLD.has(name) && !isCompound(object.fields[name]!);
  const names = Object.keys(fields).filter((name) => isTold(name) && (fields[name] ?? null) !== null);
  const all = Object.fromEntries(names.map((name) => [name, fields[name]]));
  if (changeType === 'DELETE') return { changeType, fields: {}, changedFields: [], nulledFields: [] };
  if (changeType !== 'UPDATE') return { changeType, fields: all, changedFields: [], nulledFields: [] };
  const before = previous?.fields ?? {};
  const changedFields = [...new Set([...Object.keys(fields), ...Object.keys(before)])].filter(
    (name) => isTold(name) && JSON.stringify(fields[name] ?? null) !== JSON.stringify(before[name] ?? null),
  );
  return {
    changeType,
    fields: Object.fromEntries(changedFields.map((name) => [name, fields[name] ?? null])),
    changedFields,
    nulledFields: changedFields.filter((name) => (fields[name] ?? null) === null),
  };
}
