import { StreamingExtension } from 'jsforce/lib/api/streaming.js';
import type { Org } from './salesforce-org.js';
import { openOrg } from './salesforce-org.js';

const CHANNEL = '/data/AccountChangeEvent';

/** A message as jsforce hands it on. */
interface Told {
  payload: { ChangeEventHeader: Record<string, any>; [field: string]: any };
  event: { replayId: number; EventUuid?: string };
}

/** What jsforce's types do not know of its client. */
interface Disconnecting {
  disconnect(): PromiseLike<unknown> | undefined;
}

describe("FakeSalesforce's streaming API, by the real jsforce", () => {
  let org: Org['org'];
  let connection: Org['connection'];
  const clients: Disconnecting[] = [];
  beforeEach(async () => ({ org, connection } = await openOrg()));
  afterEach(async () => {
    // Not all of them got as far as being connected.
    for (const client of clients.splice(0)) await client.disconnect()?.then(null, () => undefined);
    await org.close();
  });

  /** Subscribes, and waits until that has succeeded or not. */
  async function subscribe(channel: string, replayId = -1): Promise<Told[]> {
    const client = connection.streaming.createClient([new StreamingExtension.Replay(channel, replayId)]);
    clients.push(client as unknown as Disconnecting);
    const told: Told[] = [];
    await client.subscribe(channel, (message: object) => told.push(message as Told));
    return told;
  }

  /** What has come by the time that all is told. */
  async function toldOf(told: Told[], count: number): Promise<Told[]> {
    await org.requests.until((entry) => /cometd/.test(entry.path) && told.length >= count);
    await org.flush();
    return told;
  }

  const changesIn = (told: Told[]) =>
    told.map(({ payload: { ChangeEventHeader: header, ...fields } }) => {
      const { LastModifiedDate: _, ...own } = fields;
      return [header.changeType, header.recordIds, own.Name, own.BillingCity];
    });

  it('tells of creations, changes, deletions and restorations', async () => {
    const told = await subscribe(CHANNEL);
    const { Id } = org.create('Account', { Name: 'Ada', BillingCity: 'Paris' });
    org.update(Id, { BillingCity: null });
    org.delete(Id);
    org.undelete(Id);
    await toldOf(told, 4);
    expect(changesIn(told)).toEqual([
      ['CREATE', [Id], 'Ada', 'Paris'],
      ['UPDATE', [Id], undefined, null],
      ['DELETE', [Id], undefined, undefined],
      ['UNDELETE', [Id], 'Ada', undefined],
    ]);
    const headers = told.map(({ payload }) => payload.ChangeEventHeader);
    expect(headers[1]).toMatchObject({
      entityName: 'Account',
      changedFields: ['BillingCity'],
      nulledFields: ['BillingCity'],
    });
    expect(new Set(headers.map(({ transactionKey }) => transactionKey as string)).size).toBe(4);
    const ids = told.map(({ event }) => event.replayId);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('tells of what one transaction has changed alike by one event, and who has done it', async () => {
    const told = await subscribe(CHANNEL);
    await connection.request({
      method: 'POST',
      url: '/composite/sobjects',
      headers: { 'content-type': 'application/json', 'sforce-call-options': 'client=billing' },
      body: JSON.stringify({
        records: ['A', 'A', 'B'].map((Name) => ({ attributes: { type: 'Account' }, Name })),
      }),
    });
    await toldOf(told, 2);
    const headers = told.map(({ payload }) => payload.ChangeEventHeader);
    expect(headers.map(({ recordIds, sequenceNumber }) => [recordIds.length, sequenceNumber])).toEqual([
      [2, 1],
      [1, 2],
    ]);
    expect(headers[0]!.changeOrigin).toMatch(/;client=billing$/);
  });

  it('replays from an id, and all that is kept', async () => {
    const first = await subscribe(CHANNEL);
    org.create('Account', { Name: 'one' });
    await toldOf(first, 1);
    org.create('Account', { Name: 'two' });
    await toldOf(first, 2);
    const names = (told: Told[]) => told.map(({ payload }) => payload.Name as string);
    const later = await toldOf(await subscribe(CHANNEL, first[0]!.event.replayId), 1);
    expect(names(later)).toEqual(['two']);
    expect(names(await toldOf(await subscribe(CHANNEL, -2), 2))).toEqual(['one', 'two']);
  });

  it('refuses replay ids that it has forgotten, and channels that it does not have', async () => {
    const told = await subscribe(CHANNEL);
    org.create('Account', { Name: 'Ada' });
    await toldOf(told, 1);
    org.streaming.forgetEvents();
    const { replayId } = told[0]!.event;
    await expect(subscribe(CHANNEL, replayId)).rejects.toMatchObject({
      message: expect.stringMatching(/^400::The replayId/),
    });
    await expect(subscribe('/data/NoneChangeEvent')).rejects.toMatchObject({
      message: expect.stringMatching(/^400::The channel/),
    });
  });

  it('keeps events for 72 hours', async () => {
    org.create('Account', { Name: 'Ada' });
    org.clock.offsetMs += 72 * 3_600_000 + 1;
    org.create('Account', { Name: 'Bob' });
    const told = await toldOf(await subscribe(CHANNEL, -2), 1);
    expect(told.map(({ payload }) => payload.Name as string)).toEqual(['Bob']);
  });

  it('publishes platform events, by API too', async () => {
    org.defineObject('Shipped__e', { fields: { Number__c: { type: 'string' } } });
    const told = await subscribe('/event/Shipped__e');
    org.streaming.publish('Shipped__e', { Number__c: 'A-1' });
    expect(await connection.sobject('Shipped__e').create({ Number__c: 'A-2' })).toMatchObject({
      success: true,
    });
    await toldOf(told, 2);
    expect(told.map(({ payload }) => payload.Number__c as string)).toEqual(['A-1', 'A-2']);
    expect(new Set(told.map(({ event }) => event.EventUuid)).size).toBe(2);
    expect(() => org.streaming.publish('Shipped__e', { None__c: 1 })).toThrow(/No such column/);
  });

  it('lets nobody in whose session is over', async () => {
    org.expireSessions();
    const answer = await fetch(`${org.url}/cometd/60.0`, {
      method: 'POST',
      headers: { authorization: `OAuth ${connection.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify([{ channel: '/meta/handshake', id: '1' }]),
    });
    expect(await answer.json()).toMatchObject([
      { successful: false, error: '403::Handshake denied', advice: { reconnect: 'none' } },
    ]);
  });
});
