import { Injectable } from '@nestjs/common';
import { OnSyncEvent, SyncChange, SyncContext, SyncEvent, type SyncSource } from 'nestjs-hybrid-sync';
import { OnSalesforceChange } from 'nestjs-hybrid-sync/salesforce';
import type { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import request from 'supertest';
import { until, type Host, type HostOptions } from '../support/host.js';
import { sourceAt, startCrmHost, startOrg } from '../support/salesforce.js';
import { effects, settled, write } from '../support/scenario.js';

const SECRET = 'a-secret-of-the-endpoint';

@Injectable()
class Crm {
  @OnSalesforceChange<{ Name: string }>('Account')
  async save({ kind, data, record }: SyncChange<{ Name: string }>, { manager }: SyncContext) {
    await write(manager, kind, `${record.id} ${data?.Name ?? ''}`.trim());
  }

  @OnSyncEvent('crm', 'Account.notified', { hydrate: false })
  async note({ id }: SyncEvent, { manager }: SyncContext) {
    await write(manager, 'notified', id);
  }
}

describe.each(['express', 'fastify'] as const)('outbound messages, on %s', (adapter) => {
  let org: FakeSalesforce;
  let host: Host;
  let url: string;
  beforeEach(async () => {
    org = await startOrg();
  });
  afterEach(async () => {
    await host?.close();
    await org.close();
  });

  async function start(
    {
      organizationId = org.orgId,
      ...more
    }: Partial<NonNullable<Parameters<typeof sourceAt>[1]>['outboundMessages']> = {},
    options: Partial<HostOptions> = {},
  ): Promise<void> {
    host = await startCrmHost(org, {
      providers: [Crm],
      adapter,
      crm: {
        outboundMessages: { organizationId, secrets: [SECRET], ...more },
        poll: { everyMs: 3_600_000 },
        mode: 'webhook',
      },
      ...options,
    });
    url = `${host.url}/webhooks/crm?secret=${SECRET}`;
  }

  const notification = (id: string, record: string, fields = '<sf:Name>Ada &amp; Co</sf:Name>') =>
    `<Notification><Id>${id}</Id><sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>${record}</sf:Id>${fields}</sObject></Notification>`;
  const message = (content: string, organization = org.orgId) =>
    `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${organization}</OrganizationId>${content}</notifications></soapenv:Body></soapenv:Envelope>`;
  const post = (body: string, search = `?secret=${SECRET}`) =>
    request(host.url)
      .post(`/webhooks/crm${search}`)
      .set('content-type', 'text/xml; charset=utf-8')
      .send(body);

  it('tell of changes at once, and are acknowledged when they are stored', async () => {
    await start();
    org.deliverTo(url, 'Account');
    const { Id } = org.create('Account', { Name: 'Ada' });
    await until(async () => (await effects(host)).includes(`created ${Id} Ada`));
    await org.flush();
    await settled(host);
    expect(org.deliveries.all()).toMatchObject([{ status: 200, outcome: 'acknowledged' }]);
    expect(await effects(host)).toContainEqual(expect.stringMatching(/^notified 04l/));
  });

  it('come in hundreds with one answer, also where one of them cannot be stored', async () => {
    await start();
    const ids = Array.from({ length: 100 }, (_, i) => org.create('Account', { Name: `A${i}` }).Id);
    const notifications = ids.map((id, i) =>
      notification(i === 50 ? `04l${'x'.repeat(300)}` : `04l0000000000${String(i).padStart(2, '0')}`, id),
    );
    const { status, text, headers } = await post(message(notifications.join('')));
    expect(status).toBe(200);
    expect(text).toContain('<Ack>true</Ack>');
    expect(headers['content-type']).toMatch(/^text\/xml/);
    await settled(host);
    const noted = (await effects(host)).filter((effect) => effect.startsWith('notified'));
    expect(noted).toHaveLength(99);
    expect(await host.sql(`SELECT state FROM sync_event WHERE state = 'dead'`)).toHaveLength(1);
  });

  it('are the same when they come again', async () => {
    await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    for (let i = 0; i < 3; i++) expect((await post(message(notification('04l1', Id)))).status).toBe(200);
    await settled(host);
    expect(await effects(host)).toEqual([`created ${Id} Ada`, 'notified 04l1']);
    const [event] = await host.sql<{ payload: string }>('SELECT payload FROM sync_event');
    expect(JSON.parse(event!.payload)).toMatchObject({ Name: 'Ada & Co' });
  });

  it('are known by either form of the org’s id', async () => {
    await start({ organizationId: org.orgId.slice(0, 15) });
    const { Id } = org.create('Account', { Name: 'Ada' });
    expect((await post(message(notification('04l1', Id)))).status).toBe(200);
    expect((await post(message(notification('04l2', Id.slice(0, 15)), org.orgId.slice(0, 15)))).status).toBe(
      200,
    );
    await settled(host);
    expect(await host.sql('SELECT DISTINCT record_id FROM sync_event')).toEqual([{ record_id: Id }]);
  });

  it('prove who sends them, by a secret or a certificate that the proxy has checked', async () => {
    await start({ certificateHeader: { name: 'X-Client-Cert', value: 'abc' } });
    const { Id } = org.create('Account', { Name: 'Ada' });
    const body = message(notification('04l1', Id));
    expect((await post(body, '')).status).toBe(401);
    expect((await post(body, '?secret=')).status).toBe(401);
    expect((await post(body, '?secret=another-secret-of-someone')).status).toBe(401);
    expect((await post(body, '').set('x-client-cert', 'abd')).status).toBe(401);
    expect(await host.sql('SELECT id FROM sync_event')).toEqual([]);
    expect((await post(body, '').set('x-client-cert', 'abc')).status).toBe(200);
  });

  it.each<[string, (id: string) => string]>([
    ['of another organisation', (id) => message(notification('04l1', id), '00DFk000000xxxx')],
    ['with a document type', (id) => `<!DOCTYPE a [<!ENTITY b "c">]>${message(notification('04l1', id))}`],
    ['that is no XML', () => 'Ada'],
    ['that is cut off', (id) => message(notification('04l1', id)).slice(0, -20)],
    ['that is JSON', () => '{"Id":"04l1"}'],
    ['without a notification', () => message('')],
    [
      'with too many',
      (id) => message(Array.from({ length: 101 }, (_, i) => notification(`04l${i}`, id)).join('')),
    ],
    ['about a record without an id', () => message(notification('04l1', ''))],
    ['about something that is no id', () => message(notification('04l1', '001; DROP TABLE'))],
  ])('%s are refused, with nothing stored', async (_, bodyOf) => {
    await start();
    const { Id } = org.create('Account', { Name: 'Ada' });
    const { status, text } = await post(bodyOf(Id));
    expect(status).toBe(400);
    expect(text).not.toContain('<Ack>');
    expect(await host.sql('SELECT id FROM sync_event')).toEqual([]);
  });

  it('that are lost are polled', async () => {
    await start({}, {});
    await host.close();
    host = await startCrmHost(org, {
      providers: [Crm],
      adapter,
      crm: { outboundMessages: { organizationId: org.orgId, secrets: [SECRET] }, poll: { everyMs: 50 } },
    });
    org.faults.dropRate = 0.5;
    org.deliverTo(`${host.url}/webhooks/crm?secret=${SECRET}`, 'Account');
    const ids = Array.from({ length: 20 }, (_, i) => org.create('Account', { Name: `A${i}` }).Id);
    await until(async () => {
      const seen = new Set((await effects(host)).filter((effect) => effect.startsWith('created')));
      return seen.size === ids.length;
    });
    expect(org.deliveries.count({ outcome: 'dropped' })).toBeGreaterThan(0);
    expect((await effects(host)).filter((effect) => effect.startsWith('created'))).toHaveLength(ids.length);
  });
});

describe('outbound messages that nobody could prove', () => {
  it.each<[object, RegExp]>([
    [{ organizationId: '00D1' }, /organizationId must be the org's id/],
    [{ organizationId: '00DFk000000fake', secrets: ['short'] }, /at least 16 characters/],
    [
      { organizationId: '00DFk000000fake', secrets: [] },
      /SYNC_MISSING_SECRET.*neither secrets nor a certificateHeader/,
    ],
    [{ organizationId: '00DFk000000fake', secret: SECRET }, /Did you mean 'secrets'\?/],
  ])('fail at boot: %j', async (outboundMessages, message) => {
    const org = await startOrg();
    const crm = { outboundMessages } as Parameters<typeof sourceAt>[1];
    await expect(startCrmHost(org, { crm })).rejects.toThrow(message);
    await org.close();
  });

  it('are of no consequence where nothing is taken by webhook', () => {
    const source: SyncSource = sourceAt({ url: 'http://127.0.0.1:1' } as FakeSalesforce);
    expect(source.mode).toBe('poll');
  });
});
