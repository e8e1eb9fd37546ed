import { Inject, Injectable } from '@nestjs/common';
import { SyncDatabase } from '../database/sync.database.js';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import type { SyncHandler } from '../handlers/sync-handler.js';
import type { Pause } from '../inbox/pause.service.js';
import type { ReplayFilter, ReplayOptions } from '../inbox/replay.service.js';
import {
  aDate,
  aFunction,
  anything,
  aPositiveNumber,
  aText,
  oneOf,
  type OptionKinds,
} from '../model/option-kinds.js';
import { optionProblem, shown } from '../model/option-problem.js';
import { DEFAULT_CONNECTION, type ConnectionKey, type RecordKey } from '../model/record.js';
import { ResolvedSyncOptions } from '../sync.options.js';
import type { AdoptOptions } from './adopt.service.js';

/** What can be paused: a source, one connection of it, or a handler by its name. */
export type PauseTarget =
  { source: string; connectionId?: string; handler?: undefined } | { handler: string; source?: undefined };

/** A source, or one connection of it. */
export interface ConnectionTarget {
  source: string;
  connectionId?: string;
}

/** One record; `connectionId` is `default` where there is one account. */
export type RecordTarget = Omit<RecordKey, 'connectionId'> & { connectionId?: string };

/** As many as ids may have. */
const MOST_LETTERS = 255;

const aName = aText(MOST_LETTERS);
const ADOPT_KINDS = { from: aFunction, key: aName, connectionId: aName } satisfies OptionKinds<AdoptOptions>;
const PAUSE_KINDS = { source: aName, connectionId: aName, handler: aName };
const CONNECTION_KINDS = { source: aName, connectionId: aName } satisfies OptionKinds<ConnectionTarget>;
const RECORD_KINDS = {
  source: aName,
  connectionId: aName,
  resource: aName,
  id: aName,
} satisfies OptionKinds<RecordTarget>;
const FILTER_KINDS = {
  eventId: aName,
  id: anything,
  source: aName,
  connectionId: aName,
  resource: aName,
  recordId: aName,
  type: aName,
  state: oneOf('completed', 'skipped', 'dead'),
  handler: aName,
  since: aDate,
  until: aDate,
} satisfies OptionKinds<ReplayFilter>;
const REPLAY_KINDS = {
  handlers: oneOf('failed', 'all'),
  perSecond: aPositiveNumber,
} satisfies OptionKinds<ReplayOptions>;

/**
 * Finds out what an operator means. What cannot be meant, a misspelt field say, would hit more than was meant, or nothing.
 * Each throws RangeError.
 */
@Injectable()
export class OperatorTargets {
  constructor(
    private readonly registry: HandlerRegistry,
    private readonly database: SyncDatabase,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  pause(target: PauseTarget): Pause {
    assertFits('pause() and resume()', target, PAUSE_KINDS);
    if (target.handler !== undefined) {
      const { source, name } = this.handler(target.handler);
      return { source, connectionId: '', handler: name };
    }
    this.assertSource(target.source);
    return { source: target.source, connectionId: target.connectionId ?? '', handler: '' };
  }

  /** The same filter, with the handler's name in the database. */
  replay(filter: ReplayFilter, options: ReplayOptions = {}): ReplayFilter {
    assertFits('replay()', filter, FILTER_KINDS);
    assertFits('replay()', options, REPLAY_KINDS);
    if (filter.source !== undefined) this.assertSource(filter.source);
    return filter.handler === undefined ? filter : { ...filter, handler: this.handler(filter.handler).name };
  }

  record(target: RecordTarget): RecordKey {
    assertFits('erase()', target, RECORD_KINDS);
    this.assertSource(target.source);
    return { ...target, connectionId: target.connectionId ?? DEFAULT_CONNECTION };
  }

  event(eventId: unknown): void {
    if (!aText(MOST_LETTERS).fits(eventId))
      throw new RangeError(
        `SyncService.explain(): the event's id must be ${aText(MOST_LETTERS).takes}, and is ${shown(eventId)}`,
      );
  }

  /** Throws for what cannot be adopted. */
  adoption(source: string, resource: string, options: AdoptOptions): void {
    assertFits('adopt()', options, ADOPT_KINDS);
    this.assertSource(source);
    const { connector } = this.options.sources[source]!;
    if (!connector.fetchable(resource))
      throw new RangeError(
        `SyncService.adopt(): '${resource}' cannot be read from ${connector.provider}: is it misspelt?`,
      );
    const { from, key } = options;
    if (!this.database.host.hasMetadata(from))
      throw new RangeError(`SyncService.adopt(): ${from?.name} is no entity of the module's data source`);
    const columns = this.database.host.getMetadata(from).columns.map(({ propertyName }) => propertyName);
    if (!columns.includes(key))
      throw new RangeError(
        `SyncService.adopt(): ${from.name} has no column '${key}'; it has: ${columns.join(', ')}`,
      );
  }

  /** @param method as the message names it */
  connection(method: string, target: ConnectionTarget): ConnectionTarget {
    assertFits(`${method}()`, target, CONNECTION_KINDS);
    this.assertSource(target.source);
    return target;
  }

  /** Every connection that has a name: accounts that only deliver have none. */
  connections(): ConnectionKey[] {
    return Object.entries(this.options.sources).flatMap(([source, { connector }]) => {
      return [DEFAULT_CONNECTION, ...connector.connections].map((connectionId) => ({ source, connectionId }));
    });
  }

  private handler(name: string): SyncHandler {
    const handler = this.registry.named(name);
    if (handler) return handler;
    throw unknown(
      'handler',
      name,
      this.registry.all().map(({ label }) => label),
    );
  }

  private assertSource(name: string): void {
    const sources = Object.keys(this.options.sources);
    if (!sources.includes(name)) throw unknown('source', name, sources);
  }
}

function assertFits(method: string, given: unknown, kinds: Parameters<typeof optionProblem>[1]): void {
  const problem = optionProblem(given, kinds);
  if (problem) throw new RangeError(`SyncService.${method}: ${problem}`);
}

function unknown(kind: string, name: string, known: string[]): RangeError {
  const list = known.map((each) => `'${each}'`).join(', ');
  return new RangeError(`there is no ${kind} '${name}'; there is: ${list || 'none'}`);
}
