import { Logger } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { SyncContext } from '../handlers/sync.context.js';
import type { SyncChange } from '../model/change.js';
import type { SyncEvent } from '../model/event.js';
import { idempotencyKeyOf } from '../model/keys.js';
import type { RecordRef } from '../model/record.js';
import { isLate } from './lateness.js';
import type { Step } from './ledger.js';
import { NoTransactionError } from './process.errors.js';
import type { RecordState, WaitingEvent, Work } from './work.js';

/** Makes what handlers are given, and calls them. One for each pass. */
export class HandlerCaller {
  private readonly record: RecordRef;
  private readonly events = new Map<string, SyncEvent>();

  constructor(
    private readonly work: Work,
    private readonly state: RecordState,
    private readonly stopping: AbortSignal,
  ) {
    this.record = { ...work.record.key, version: state.version };
  }

  /** @param manager of the step's transaction; undefined: it has none */
  async call(step: Step, timeoutMs: number, manager: EntityManager | undefined): Promise<void> {
    const context = this.contextOf(step, timeoutMs, manager);
    if (step.kind === 'change') await step.handler.call(this.changeOf(step), context);
    else await step.handler.call(this.eventOf(step.event), context);
  }

  private changeOf(step: Step & { kind: 'change' }): SyncChange {
    return { kind: step.change, data: this.state.data, record: this.record };
  }

  private eventOf(event: WaitingEvent): SyncEvent {
    let shown = this.events.get(event.id);
    if (!shown) {
      shown = {
        id: event.eventId,
        type: event.type,
        source: this.record.source,
        connectionId: this.record.connectionId,
        origin: event.origin,
        occurredAt: event.occurredAt,
        receivedAt: event.receivedAt,
        late: isLate(this.work, event),
        replayed: event.replayed,
        payload: event.payload === null ? null : (JSON.parse(event.payload) as unknown),
      };
      this.events.set(event.id, shown);
    }
    return shown;
  }

  private contextOf(step: Step, timeoutMs: number, manager: EntityManager | undefined): SyncContext {
    const { handler, mark } = step;
    const behind = step.kind === 'event' ? [step.event] : this.work.events;
    const eventOf = (event: WaitingEvent) => this.eventOf(event);
    const keyOf = () => this.idempotencyKeyOf(step);
    const { stopping, record } = this;
    let idempotencyKey: string | undefined;
    let signal: AbortSignal | undefined;
    let logger: Logger | undefined;
    const startedAt = performance.now();
    // What costs something is made when asked for: most handlers never do.
    return {
      record: { ...record, data: this.state.data },
      get manager(): EntityManager {
        if (!manager) throw new NoTransactionError(handler.label);
        return manager;
      },
      origin: behind.at(-1)?.origin ?? 'manual',
      attempt: mark.attempts + 1,
      get idempotencyKey(): string {
        return (idempotencyKey ??= keyOf());
      },
      get signal(): AbortSignal {
        const leftMs = Math.max(Math.round(timeoutMs - (performance.now() - startedAt)), 0);
        return (signal ??= AbortSignal.any([stopping, AbortSignal.timeout(leftMs)]));
      },
      get logger(): Logger {
        return (logger ??= new Logger(`${handler.label} ${record.resource} ${record.id}`));
      },
      get events(): SyncEvent[] {
        return behind.map(eventOf);
      },
    };
  }

  private idempotencyKeyOf({ kind, handler, mark, ...rest }: Step): string {
    if (kind === 'event') {
      const { event } = rest as { event: WaitingEvent };
      return idempotencyKeyOf('event', event.dedupeKey, handler.name, event.replayNo);
    }
    const { version, fingerprint } = this.state;
    return idempotencyKeyOf(
      'change',
      this.work.record.recordKey,
      version,
      fingerprint ?? 'deleted',
      handler.name,
      mark.replayNo,
    );
  }
}
