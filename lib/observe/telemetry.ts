import { Injectable, Logger } from '@nestjs/common';
import type { SyncAlarm } from '../model/alarm.js';
import type { RecordKey } from '../model/record.js';

/** What came of one pass. */
export interface PassReport {
  readonly record: RecordKey;
  readonly version: number;
  readonly fetches: number;
  /** Handler calls that succeeded and that failed. */
  readonly calls: number;
  readonly failures: number;
  /** Events by what became of them: `completed`, `skipped`, `dead`, `waiting`. */
  readonly events: Readonly<Record<string, number>>;
  /** What waiting events wait for. */
  readonly waitReason?: string;
  /** Until the first of them is due. */
  readonly dueInMs?: number;
  readonly durationMs: number;
}

export type AlarmListener = (alarm: SyncAlarm) => unknown;
export type PassListener = (report: PassReport) => unknown;

/** Tells what has happened, after it is durable. A listener that throws hurts nobody. */
@Injectable()
export class Telemetry {
  private readonly logger = new Logger('Sync');
  private readonly alarmListeners: AlarmListener[] = [];
  private readonly deliveries = new Map<string, number>();
  private readonly passListeners: PassListener[] = [];

  onAlarm(listener: AlarmListener): void {
    this.alarmListeners.push(listener);
  }

  onPass(listener: PassListener): void {
    this.passListeners.push(listener);
  }

  /** One line for each pass that settled something. */
  passSettled(report: PassReport): void {
    const { record, version, fetches, calls, failures, durationMs } = report;
    const events = Object.entries(report.events).map(([state, n]) => `${n} ${state}`);
    const line =
      `${record.source} ${record.resource} ${record.id} v${version}: ${events.join(', ') || 'no events'}` +
      `${report.waitReason ? ` (${report.waitReason})` : ''}; ${fetches} fetched, ${calls} handled, ${failures} failed, ` +
      `${Math.round(durationMs)} ms`;
    if (failures > 0) this.logger.warn(line);
    else this.logger.debug(line);
    for (const listener of this.passListeners) this.safely(() => listener(report));
  }

  /** Counts deliveries by what they were answered. `source` is null for one that nobody has configured. */
  delivered(source: string | null, answer: { status: number; reason?: string }): void {
    const key = `${source ?? 'unknown'} ${answer.status}${answer.reason ? ` ${answer.reason}` : ''}`;
    this.deliveries.set(key, (this.deliveries.get(key) ?? 0) + 1);
  }

  /** Deliveries to this process since it started, by `source status [reason]`. */
  deliveryCounts(): Record<string, number> {
    return Object.fromEntries(this.deliveries);
  }

  alarm(alarm: SyncAlarm): void {
    this.logger.error(`${alarm.kind}: ${alarm.message}`);
    for (const listener of this.alarmListeners) this.safely(() => listener(alarm));
  }

  private safely(call: () => unknown): void {
    const report = (error: unknown) => this.logger.error(`a listener failed: ${String(error)}`);
    try {
      void Promise.resolve(call()).catch(report);
    } catch (error) {
      report(error);
    }
  }
}
