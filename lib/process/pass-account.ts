import type { SyncAlarm } from '../model/alarm.js';
import type { WaitReason } from '../model/event.js';
import type { PassReport } from '../observe/telemetry.js';
import type { EventOutcome } from '../inbox/event-outcome.js';
import type { Settlement } from './settlement.js';
import type { Work } from './work.js';

/** What has been written down in a pass so far, for the line and the alarm that follow it. */
export class PassAccount {
  fetches = 0;
  calls = 0;
  failures = 0;
  version: number;
  released = false;
  /** A handler has been called. */
  hasCalled = false;
  private readonly outcomes: EventOutcome[] = [];

  constructor(
    private readonly work: Work,
    private readonly startedAtMs: number,
  ) {
    this.version = work.record.version;
  }

  committed({ events, released }: Settlement): void {
    this.outcomes.push(...events);
    this.released ||= released;
  }

  /** Inbox ids of the events that wait for this. */
  waitingFor(reason: WaitReason): string[] {
    return this.outcomes
      .filter((outcome) => outcome.state === 'waiting' && outcome.waitReason === reason)
      .map(({ id }) => id);
  }

  report(nowMs: number): PassReport {
    const events: Record<string, number> = {};
    for (const { state } of this.outcomes) events[state] = (events[state] ?? 0) + 1;
    const { calls, failures, fetches, version } = this;
    const waiting = this.outcomes.filter((outcome) => outcome.state === 'waiting');
    const waitReason = waiting[0]?.waitReason;
    const dueInMs = waiting.length > 0 ? Math.min(...waiting.map((event) => event.availableInMs)) : undefined;
    const durationMs = nowMs - this.startedAtMs;
    return {
      record: this.work.record.key,
      version,
      fetches,
      calls,
      failures,
      events,
      waitReason,
      dueInMs,
      durationMs,
    };
  }

  /** One for all that died in the pass. */
  alarm(): SyncAlarm | null {
    const dead = this.outcomes.filter((outcome) => outcome.state === 'dead');
    if (dead.length === 0) return null;
    const record = this.work.record.key;
    const { source, connectionId } = record;
    const { deadBy, error } = dead[0]!;
    const message =
      `${dead.length} event(s) of ${record.resource} ${record.id} died in ${deadBy.join(', ')}: ` +
      `${error ?? 'no error'}. Put the cause right, then SyncService.replay().`;
    return { kind: 'dead', source, connectionId, record, message, eventIds: dead.map(({ id }) => id) };
  }
}
