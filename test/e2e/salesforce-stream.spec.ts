import { Injectable } from '@nestjs/common';
import { OnSyncAlarm, OnSyncEvent, SyncAlarm, SyncChange, SyncContext, SyncEvent } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import { until, type Host, type HostOptions } from '../support/host.js';
import { startCrmHost, startOrg } from '../support/salesforce.js';
import { effects, settled, travel, write } from '../support/scenario.js';
import { createTrigger, dropTrigger, REFUSE } from '../support/trigger.js';

const SHIPPED = '/event/Shipped__e';
const HOUR = 3_600_000;

@Injectable()
class Crm {
  @OnSalesforceChange<{ Name: string }>('Account')
  async save({ kind, data }: SyncChange<{ Name: string }>, { manager }: SyncContext) {
    await write(manager, kind, data?.Name ?? null);
  }

  @OnSyncEvent('crm', 'Account.*', { hydrate: false })
  async note({ type, origin, payload }: SyncEvent, { manager }: SyncContext) {
    if (origin !== 'stream') return;
    const { ChangeEventHeader, Name } = payload as {
      ChangeEventHeader: { changeType: string };
      Name?: string;
    };
    await write(manager, type, `${ChangeEventHeader.changeType} ${Name ?? ''}`.trim());
  }

  @OnSyncEvent('crm', 'Shipped__e')
  async ship({ payload, origin }: SyncEvent, { manager }: SyncContext) {
    await write(manager, origin, (payload as { Number__c: string }).Number__c);
  }
}

const alarms: SyncAlarm[] = [];

@Injectable()
class Alarms {
  @OnSyncAlarm()
  keep(alarm: SyncAlarm) {
    alarms.push(alarm);
  }
}

describe('what an org streams', () => {
  let org: FakeSalesforce;
  let host: Host;
  const hosts: Host[] = [];
  const crm = {
    changeDataCapture: true,
    platformEvents: ['Shipped__e'],
    poll: { everyMs: 24 * HOUR },
  } as const;

  beforeEach(async () => {
    alarms.length = 0;
    org = await startOrg();
    org.defineObject('Shipped__e', { fields: { Number__c: { type: 'string' } } });
  });
  afterEach(async () => {
    for (const each of hosts.splice(0).reverse()) await each.close();
    await org.close();
  });

  /** Resolves when the stream is open, and the log was read: what happens from then on is on one way only. */
  async function start(options: Partial<HostOptions> & { crm?: object } = {}): Promise<Host> {
    const started = await startCrmHost(org, {
      providers: [Crm, Alarms],
      ...options,
      crm: { ...crm, ...options.crm },
    });
    hosts.push(started);
    await until(() => org.streaming.subscribers(SHIPPED) > 0);
    await until(async () => (await started.sync.status())[0]!.polledAt !== null);
    return started;
  }

  const seen = async (...expected: string[]) =>
    until(async () => {
      const all = await effects(host);
      return expected.every((effect) => all.includes(effect));
    });
  /** Creates an account through the API, as an application of that name. */
  const createAs = (client: string, Name: string) =>
    fetch(`${org.url}/services/data/v62.0/sobjects/Account`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${org.accessToken}`,
        'content-type': 'application/json',
        'sforce-call-options': `client=${client}`,
      },
      body: JSON.stringify({ Name }),
    });
  const status = async () => (await host.sync.status())[0]!;
  const isOpen = () => until(async () => (await status()).stream!.open);

  it('is handled at once: changes with their events, platform events as they are', async () => {
    org.streaming.publish('Shipped__e', { Number__c: 'before' });
    host = await start();
    await seen('stream before');
    const { Id } = org.create('Account', { Name: 'Ada' });
    await seen('created Ada', 'Account.created CREATE Ada');
    org.update(Id, { Name: 'Eve' });
    await seen('updated Eve', 'Account.updated UPDATE Eve');
    org.delete(Id);
    await seen('deleted none', 'Account.deleted DELETE');
    org.undelete(Id);
    await seen('Account.undeleted UNDELETE Eve');
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    await seen('stream A-1');
    // Nothing was polled for it, and nothing came twice.
    await settled(host);
    const all = await effects(host);
    expect(new Set(all).size).toBe(all.length);
    expect(await status()).toMatchObject({ stream: { open: true, error: null }, health: 'healthy' });
  });

  it('may tell of several records by one event', async () => {
    host = await start();
    const transaction = org.transaction();
    for (let i = 0; i < 3; i += 1) transaction.create('Account', { Name: 'Ada' });
    transaction.commit();
    await until(async () => (await effects(host)).filter((effect) => effect === 'created Ada').length === 3);
    const events = await host.sql(`SELECT DISTINCT event_id FROM sync_event WHERE origin = 'stream'`);
    expect(events).toHaveLength(1);
  });

  it('goes on where it was, after the application was away', async () => {
    host = await start();
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    org.create('Account', { Name: 'Ada' });
    await seen('stream A-1', 'created Ada');
    const { database, stripe } = host;
    // Not of the next host's making: it is closed last.
    await host.app.close();
    org.streaming.publish('Shipped__e', { Number__c: 'A-2' });
    org.create('Account', { Name: 'Bob' });
    const next = await start({ beside: { database, stripe } as Host });
    host = next;
    await seen('stream A-2', 'created Bob', 'Account.created CREATE Bob');
    await settled(next);
    const all = await effects(next);
    expect(new Set(all).size).toBe(all.length);
  });

  it('loses nothing that cannot be stored: it comes again', async () => {
    host = await start();
    await createTrigger(host, {
      name: 'fail_moving',
      at: 'BEFORE UPDATE ON sync_cursor',
      when: `NEW.kind = 'stream' AND NEW.position <> OLD.position`,
      run: REFUSE,
    });
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    await until(async () => (await status()).stream!.error !== null);
    await dropTrigger(host, 'fail_moving');
    await until(async () => {
      travel(host, 1_000);
      return (await effects(host)).length > 0;
    });
    expect(await effects(host)).toEqual(['stream A-1']);
  });

  it('leaves out what the application itself has written, which polling finds', async () => {
    host = await start({ crm: { clientName: 'billing' } });
    await createAs('billing', 'own');
    await createAs('other', 'foreign');
    await seen('created foreign');
    expect(await effects(host)).not.toContain('created own');
    await until(async () => {
      await host.sync.poll({ source: 'crm' });
      return (await effects(host)).includes('created own');
    });
  });

  it('is fetched where it only says that something has changed', async () => {
    host = await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    await seen('created Ada');
    org.streaming.publishGap([Id]);
    await seen('Account.gap GAP_UPDATE');
  });

  it('is compared with what there is where it cannot say of what', async () => {
    host = await start({ crm: { clientName: 'billing' } });
    // Nobody hears of it, for so long that it is on no way any more.
    await createAs('billing', 'own');
    travel(host, HOUR);
    org.clock.offsetMs += HOUR;
    org.streaming.publishOverflow('Account');
    await seen('created own');
    expect(await status()).toMatchObject({ runs: [{ kind: 'reconcile' }] });
  });

  it('is compared too when what followed is kept no longer, with an alarm', async () => {
    host = await start();
    org.create('Account', { Name: 'Ada' });
    await seen('created Ada');
    const { database, stripe } = host;
    await host.app.close();
    org.create('Account', { Name: 'Bob' });
    org.streaming.forgetEvents();
    host = await start({ beside: { database, stripe } as Host });
    await until(() => alarms.some(({ kind }) => kind === 'cursor-expired'));
    await until(async () =>
      (await status()).runs.some(({ kind, state }) => kind === 'reconcile' && state === 'completed'),
    );
    await seen('created Bob');
    await isOpen();
    org.create('Account', { Name: 'Cy' });
    await seen('created Cy');
  });

  it('is missed by nobody on a channel that was silent for longer than anything is kept', async () => {
    // Longer than the time that goes by: a lease that ran out would be another process' to take.
    host = await start({ sync: { leaseMs: 500 * HOUR } });
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    await seen('stream A-1');
    // The stream stays open all that time: it is asked every two minutes, and nothing happens.
    for (const by of [50, 50]) {
      travel(host, by * HOUR);
      org.clock.offsetMs += by * HOUR;
      org.create('Contact', { LastName: `after ${by}` });
      await org.flush();
    }
    org.streaming.forgetSubscribers();
    await isOpen();
    await until(() => org.streaming.subscribers(SHIPPED) > 0);
    org.streaming.publish('Shipped__e', { Number__c: 'A-2' });
    await seen('stream A-2');
    expect(alarms).toEqual([]);
  });

  it.each([
    ['the session is over', (each: FakeSalesforce) => each.expireSessions()],
    ['the org has forgotten who subscribes', (each: FakeSalesforce) => each.streaming.forgetSubscribers()],
    [
      'the connection is cut',
      (each: FakeSalesforce) => {
        each.faults.failNext({ match: { path: /cometd/ }, disconnect: true });
        each.streaming.publish('Shipped__e', { Number__c: 'A-0' });
      },
    ],
  ])('goes on where it was when %s', async (_, happen) => {
    host = await start();
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    await seen('stream A-1');
    happen(org);
    org.streaming.publish('Shipped__e', { Number__c: 'A-2' });
    await until(async () => {
      travel(host, 1_000);
      return (await effects(host)).includes('stream A-2');
    });
    await settled(host);
    const all = await effects(host);
    expect(new Set(all).size).toBe(all.length);
  });

  it('is taken by one process of all, and by another when that ends', async () => {
    host = await start();
    const other = await start({ beside: host });
    await until(
      async () => (await host.sql(`SELECT FROM sync_cursor WHERE walk_token IS NOT NULL`)).length > 0,
    );
    expect(org.streaming.subscribers(SHIPPED)).toBe(1);
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    await seen('stream A-1');
    await org.flush();
    expect(org.streaming.subscribers(SHIPPED)).toBe(1);
    await host.app.close();
    await until(() => org.streaming.subscribers(SHIPPED) === 1);
    org.streaming.publish('Shipped__e', { Number__c: 'A-2' });
    await until(async () => (await effects(other)).includes('stream A-2'));
  });

  it('is held for as long as it is open, whether anything happens or not', async () => {
    host = await start({ sync: { leaseMs: 6_000 } });
    const held = async () =>
      (await host.sql(`SELECT walk_token, walk_until FROM sync_cursor WHERE kind = 'stream'`))[0]!;
    const before = await held();
    await until(async () => String((await held()).walk_until) !== String(before.walk_until));
    expect((await held()).walk_token).toBe(before.walk_token);
    expect(await status()).toMatchObject({ stream: { open: true } });
  });

  it('is polled while it is away, with an alarm when that lasts', async () => {
    host = await start({ crm: { poll: { everyMs: 24 * HOUR } } });
    await isOpen();
    org.faults.failNext({ match: { path: /cometd/ }, status: 503, times: 1_000 });
    org.streaming.forgetSubscribers();
    org.create('Account', { Name: 'Ada' });
    await until(async () => {
      travel(host, 1_000);
      return alarms.some(({ kind }) => kind === 'down') && (await effects(host)).includes('created Ada');
    });
    expect(await status()).toMatchObject({ stream: { open: false, error: expect.stringContaining('503') } });
    org.faults.clear();
    await until(async () => {
      travel(host, 10_000);
      return (await status()).stream!.open;
    });
    expect(await status()).toMatchObject({ stream: { open: true, error: null } });
  });

  it('is told at boot where the org has no such event', async () => {
    await expect(startCrmHost(org, { crm: { ...crm, platformEvents: ['Lost__e'] } })).rejects.toMatchObject({
      code: 'SYNC_INVALID_OPTION',
      message: expect.stringContaining("no object 'Lost__e'"),
    });
  });
});
