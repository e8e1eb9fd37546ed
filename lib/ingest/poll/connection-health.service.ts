import { Inject, Injectable, Logger } from '@nestjs/common';
import { whole } from '../../database/statement.js';
import { SyncDatabase } from '../../database/sync.database.js';
import type { SourceHealth } from '../../model/health.js';
import { modeOf } from '../../model/mode.js';
import { Telemetry } from '../../observe/telemetry.js';
import { SyncClock } from '../../sync.clock.js';
import { ResolvedSyncOptions } from '../../sync.options.js';
import { untilNextMs } from '../cron.js';
import { CursorService, type Walk } from './cursor.service.js';
import { nextPace } from './polling-pace.js';
import type { Progress, WalkStop } from './walk-progress.js';

/** So many walks in a row that the provider keeps from their end, and it counts as down. */
const DOWN_AFTER = 3;

/** After a failure: twice as long each time, up to what the options say. */
const FIRST_RETRY_MS = 5_000;

/** Which types webhooks bring is read off so many of the newest events. */
const RECENT_EVENTS = 10_000;

/** Judges by what a walk has found how a connection is, and when it is to be walked over again. */
@Injectable()
export class ConnectionHealthService {
  private readonly logger = new Logger('Sync');

  constructor(
    private readonly database: SyncDatabase,
    private readonly cursors: CursorService,
    private readonly telemetry: Telemetry,
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** Ends the walk. @returns how many events webhooks have lost */
  async conclude(walk: Walk, progress: Progress, stop: WalkStop | null): Promise<number> {
    if (stop?.failed) {
      await this.failed(walk, stop, stop.failed);
      return 0;
    }
    const { everyMs, failures, health } = walk;
    if (stop) {
      await this.cursors.end(walk, {
        dueInMs: stop.dueInMs,
        everyMs,
        failures,
        error: null,
        health,
        atEnd: false,
      });
      return 0;
    }
    return this.atEnd(walk, progress);
  }

  private async failed(
    walk: Walk,
    { dueInMs }: WalkStop,
    { failure, message }: { failure: string; message: string },
  ): Promise<void> {
    const { everyMs } = walk;
    // A provider that asks to be left alone is there.
    const failures = failure === 'rate-limited' ? walk.failures : walk.failures + 1;
    const health = failures >= DOWN_AFTER ? 'down' : walk.health;
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20), this.usualMs(walk.source));
    await this.cursors.end(walk, {
      dueInMs: Math.max(dueInMs, failure === 'rate-limited' ? 0 : retryMs),
      everyMs,
      failures,
      error: message,
      health,
      atEnd: false,
    });
    this.report(walk, health, `its log could not be read ${failures} times in a row: ${message}`);
  }

  private async atEnd(walk: Walk, progress: Progress): Promise<number> {
    const { fastestMs, graceMs } = this.options.sources[walk.source]!.poll;
    const usualMs = this.usualMs(walk.source);
    const expected = await this.expected(walk, progress, usualMs + graceMs);
    const now = this.clock.now();
    const lost = expected.filter(
      ({ occurredAt }) => occurredAt && now - occurredAt.getTime() > graceMs,
    ).length;
    const sinceMs = walk.healthForMs ?? Infinity;
    const next = nextPace(
      { everyMs: walk.everyMs, health: walk.health === 'down' ? 'healthy' : walk.health },
      { lost, early: expected.length - lost, delivered: (walk.deliveredAgoMs ?? Infinity) < sinceMs },
      { usualMs, fastestMs },
    );
    const dueInMs = next.everyMs || usualMs;
    await this.cursors.end(walk, { dueInMs, ...next, failures: 0, error: null, atEnd: true });
    const why =
      next.health === 'degraded'
        ? `polling has found ${lost} event(s) that no webhook has brought. Is the endpoint still there and enabled, and does ` +
          `it send these types? It is polled every ${Math.round(dueInMs / 1000)} s meanwhile`
        : 'webhooks come again, and nothing was lost since';
    this.report(walk, next.health, walk.health === 'down' ? 'its log can be read again' : why);
    if (next.health === walk.health && next.everyMs !== walk.everyMs)
      this.logger.log(
        `${walk.source}/${walk.connectionId} is polled in ${Math.round(dueInMs / 1000)} s, ${walk.health}`,
      );
    return lost;
  }

  /**
   * Those of the new events that webhooks are to bring: of types that have come by webhook, or all if none has. Nothing is
   * expected of a time in which this application was down itself, and resends are under way.
   */
  private async expected(
    walk: Walk,
    { fresh, again }: Progress,
    withinMs: number,
  ): Promise<Progress['fresh']> {
    const { mode } = this.options.sources[walk.source]!;
    const hybrid = fresh.filter(({ resource }) => modeOf(mode, resource) === 'hybrid');
    if (again || hybrid.length === 0 || walk.readAgoMs === null || walk.readAgoMs > 2 * withinMs) return [];
    const { tables } = this.database;
    const rows = await this.database.query<{ type: string }>(
      `SELECT DISTINCT type FROM (
         SELECT source, connection_id, type, origin FROM ${tables.event} ORDER BY id DESC LIMIT ${whole(RECENT_EVENTS)}) AS recent
       WHERE source = $1 AND connection_id = $2 AND origin = 'webhook'`,
      [walk.source, walk.connectionId],
    );
    const types = new Set(rows.map(({ type }) => type));
    return types.size === 0 ? hybrid : hybrid.filter(({ type }) => types.has(type));
  }

  private usualMs(source: string): number {
    const { everyMs, cron } = this.options.sources[source]!.poll;
    return cron === undefined ? everyMs : untilNextMs(cron, this.clock.now());
  }

  /** Only when something has changed. */
  private report({ source, connectionId, health: before }: Walk, health: SourceHealth, why: string): void {
    if (health === before) return;
    const message = `${source}/${connectionId} is ${health}: ${why}.`;
    if (health === 'healthy') this.logger.log(message);
    else this.telemetry.alarm({ kind: health, source, connectionId, message, eventIds: [] });
  }
}
