import { Injectable, Logger, type LoggerService } from '@nestjs/common';
import {
  OnSyncAlarm,
  OnSyncChange,
  OnSyncEvent,
  SyncAlarm,
  SyncChange,
  UnrecoverableError,
} from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { quick, send, settled } from '../support/scenario.js';

const SECRET = 'ada.lovelace@example.com';

@Injectable()
class Copy {
  readonly alarms: SyncAlarm[] = [];

  @OnSyncChange('stripe', 'customer')
  changed(change: SyncChange<{ name: string }>) {
    if (change.data?.name === 'poison') throw new UnrecoverableError('cannot be done');
  }

  @OnSyncEvent('stripe', 'product.*', { hydrate: false })
  happened() {
    throw new UnrecoverableError('cannot be done');
  }

  @OnSyncAlarm()
  alarmed(alarm: SyncAlarm) {
    this.alarms.push(alarm);
    throw new Error('and the listener fails too');
  }
}

describe('what is told', () => {
  const lines: string[] = [];
  let host: Host;
  beforeAll(async () => {
    host = await startHost({ ...quick, providers: [Copy] });
    const record = (level: string) => (message: unknown) => void lines.push(`${level} ${String(message)}`);
    const logger: LoggerService = {
      log: record('log'),
      error: record('error'),
      warn: record('warn'),
      debug: record('debug'),
    };
    Logger.overrideLogger(logger);
    // As a host sees it with `logging: true`.
    const sql = (query: string, params?: unknown) =>
      void lines.push(`sql ${query} ${JSON.stringify(params)}`);
    host.dataSource.logger = {
      ...host.dataSource.logger,
      logQuery: sql,
      logQueryError: (error, query, params) => sql(`${String(error)} ${query}`, params),
      logQuerySlow: (_, query, params) => sql(query, params),
    };
  });
  afterAll(async () => {
    Logger.overrideLogger(false);
    await host.close();
  });

  it('is one line for each pass, and an alarm for what died, with nothing of any payload', async () => {
    const good = host.stripe.create('customer', { email: SECRET, name: 'good' });
    const poison = host.stripe.create('customer', { email: SECRET, name: 'poison' });
    await host.stripe.flush();
    await host.sync.idle();

    const about = (id: string, level: string) => lines.filter((l) => l.startsWith(level) && l.includes(id));
    expect(about(good.id, 'debug')).toEqual([
      expect.stringMatching(/stripe customer \S+ v1: 1 completed; 1 fetched, 1 handled, 0 failed, \d+ ms$/),
    ]);
    expect(about(poison.id, 'warn')).toEqual([
      expect.stringContaining('1 dead; 1 fetched, 0 handled, 1 failed'),
    ]);
    expect(about(poison.id, 'error')).toEqual([expect.stringContaining('died in Copy.changed')]);
    expect(host.app.get(Copy).alarms).toEqual([
      expect.objectContaining({
        kind: 'dead',
        source: 'stripe',
        record: expect.objectContaining({ id: poison.id }),
      }),
    ]);
    expect(lines.filter((line) => line.includes('a listener failed'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes(SECRET) || line.includes(host.stripe.webhookSecret))).toEqual(
      [],
    );
  });

  it('is one alarm for all events of a record that die together', async () => {
    const { alarms } = host.app.get(Copy);
    alarms.length = 0;
    const product = host.stripe.create('product', {}, { delivery: 'unlogged' });
    // No pass begins before all of them are there.
    await host.dataSource.transaction(async (manager) => {
      await manager.query('LOCK TABLE sync_record IN ACCESS EXCLUSIVE MODE');
      for (let i = 0; i < 50; i += 1) await send(host, product);
    });
    await settled(host);
    await until(() => alarms.length > 0);
    await host.sync.idle();
    expect(alarms.map(({ kind, eventIds }) => `${kind} ${eventIds.length}`)).toEqual(['dead 50']);
  });
});
