import { Injectable } from '@nestjs/common';
import {
  OnSyncChange,
  OnSyncEvent,
  RetryLaterError,
  SyncChange,
  SyncContext,
  SyncEvent,
} from 'nestjs-hybrid-sync';
import type { EntityManager } from 'typeorm';
import { ChangeBatchesService } from '../../lib/process/change-batches.service.js';
import { startHost, until, type Host } from '../support/host.js';
import { describeOn, NOBODY_ELSE_WRITES, SERVERS } from '../support/only-on.js';
import { Effect, effects, Gate, openers, quick, send, settled, travel, write } from '../support/scenario.js';
import { idleInTransaction, killSession } from '../support/sessions.js';

interface Call {
  id: string;
  kind: SyncChange['kind'];
  attempt: number;
  manager: EntityManager;
}

@Injectable()
class Billing {
  calls: Call[] = [];
  seen: string[] = [];
  play: (id: string, context: SyncContext, call: number) => unknown = () => undefined;

  @OnSyncChange('stripe', 'product', { name: 'save', batch: 3, timeoutMs: 2_000 })
  async save({ kind, record: { id, version } }: SyncChange, context: SyncContext) {
    const { attempt, manager } = context;
    this.calls.push({ id, kind, attempt, manager });
    await write(manager, 'save', `${id} v${version}`);
    await this.play(id, context, this.of(id).length);
  }

  @OnSyncEvent('stripe', 'product.*', { name: 'mail' })
  async mail({ id }: SyncEvent, { record }: SyncContext) {
    this.seen.push(`${id} after ${this.of(record.id).length} calls`);
  }

  of(id: string): Call[] {
    return this.calls.filter((call) => call.id === id);
  }

  /** Which calls had a transaction in common. */
  shared(): string[][] {
    const managers = new Set(this.calls.map(({ manager }) => manager));
    return [...managers].map((manager) =>
      this.calls.filter((call) => call.manager === manager).map(({ id }) => id),
    );
  }
}

const outcome = 'SELECT record_id, state, error FROM sync_event ORDER BY record_id';

describeOn(SERVERS, NOBODY_ELSE_WRITES).each(openers)(
  'changes that share a transaction, opened %s',
  (_, transaction) => {
    let host: Host;
    let billing: Billing;

    beforeAll(async () => {
      const source = { ...quick.source, maxAttempts: 3 };
      host = await startHost({ ...quick, providers: [Billing], source, transaction });
      billing = host.app.get(Billing);
    });
    afterAll(() => host?.close());
    beforeEach(async () => {
      await host.dataSource.getRepository(Effect).clear();
      for (const table of ['sync_event', 'sync_record', 'sync_mark']) await host.sql(`DELETE FROM ${table}`);
      for (const { id } of host.stripe.all('product'))
        host.stripe.delete('product', id, { delivery: 'unlogged' });
      Object.assign(billing, { calls: [], seen: [], play: () => undefined });
    });

    const product = (id: string) =>
      host.stripe.get('product', id) ?? host.stripe.create('product', { id }, { delivery: 'unlogged' });

    const inLine = () => {
      const batches: object = host.app.get(ChangeBatchesService, { strict: false });
      const { lines } = batches as { lines: Map<string, { waiting: unknown[] }> };
      return lines.get('save')!.waiting.length;
    };

    /** Lets these come together: while a transaction of another record is under way. Resolves when they stand in line. */
    async function together(ids: string[], play: Billing['play'] = () => undefined): Promise<Gate> {
      const gate = new Gate();
      billing.play = (id, context, call) => (id === 'first' ? gate.pass() : play(id, context, call));
      await send(host, product('first'));
      await gate.reached;
      for (const [i, id] of ids.entries()) {
        await send(host, product(id));
        // Nobody waits behind a full batch: it goes, in a transaction of its own.
        await until(() => inLine() === (i + 1) % 3 || billing.of(id).length > 0);
      }
      return gate;
    }

    const written = async () => (await effects(host)).filter((effect) => !effect.includes('first')).sort();

    it('those that come while one is under way share the next, in the order in which they came', async () => {
      (await together(['b', 'a'])).release();
      await settled(host);
      expect(billing.shared()).toEqual([['first'], ['b', 'a']]);
      expect(billing.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
      expect(await effects(host)).toEqual(['save first v1', 'save b v1', 'save a v1']);
      expect(await host.sql(outcome)).toEqual(
        ['a', 'b', 'first'].map((id) => ({ record_id: id, state: 'completed', error: null })),
      );
      // Its record's event comes after it, in the same pass.
      expect(billing.seen).toHaveLength(3);
      billing.seen.forEach((seen) => expect(seen).toMatch(/after 1 calls/));
      expect(await host.sql('SELECT FROM sync_record WHERE lease_token IS NOT NULL')).toEqual([]);
    });

    it('a full batch waits for none', async () => {
      const gate = await together(['a', 'b', 'c', 'd']);
      await until(() => billing.of('c').length > 0);
      gate.release();
      await settled(host);
      expect(billing.shared().map((ids) => ids.sort())).toEqual([['first'], ['a', 'b', 'c'], ['d']]);
    });

    it('a record’s state is saved for each: new, changed, deleted', async () => {
      for (const id of ['changed', 'deleted']) await send(host, product(id));
      await settled(host);
      billing.calls = [];
      host.stripe.update('product', 'changed', { name: 'other' }, { delivery: 'unlogged' });
      const deleted = product('deleted');
      host.stripe.delete('product', 'deleted', { delivery: 'unlogged' });
      const gate = await together(['created', 'changed']);
      await send(host, deleted, { type: 'product.deleted' });
      await until(() => billing.of('deleted').length > 0);
      gate.release();
      await settled(host);
      expect(billing.shared()).toEqual([['first'], ['created', 'changed', 'deleted']]);
      expect(billing.calls.map(({ kind }) => kind)).toEqual(['created', 'created', 'updated', 'deleted']);
      expect(
        await host.sql(
          `SELECT record_id, version, CASE WHEN fingerprint IS NULL THEN 'none' ELSE 'some' END AS content,
           CASE WHEN deleted_at IS NULL THEN 'alive' ELSE 'gone' END AS fate
         FROM sync_record WHERE record_id <> 'first' ORDER BY record_id`,
        ),
      ).toEqual([
        { record_id: 'changed', version: 2, content: 'some', fate: 'alive' },
        { record_id: 'created', version: 1, content: 'some', fate: 'alive' },
        { record_id: 'deleted', version: 2, content: 'none', fate: 'gone' },
      ]);
    });

    it('one that fails takes no other with it, and its failure is counted once', async () => {
      (
        await together(['a', 'bad'], (id) => {
          if (id === 'bad') throw new Error('no such account');
        })
      ).release();
      await settled(host);
      expect(await written()).toEqual(['save a v1']);
      expect(billing.of('a').map(({ attempt }) => attempt)).toEqual([1, 1]);
      expect(billing.of('bad').map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3]);
      expect(await host.sql(outcome)).toEqual([
        { record_id: 'a', state: 'completed', error: null },
        { record_id: 'bad', state: 'dead', error: 'Error: no such account' },
        { record_id: 'first', state: 'completed', error: null },
      ]);
      expect(billing.shared().filter((ids) => ids.length > 1)).toEqual([['a', 'bad']]);
    });

    it('what has failed before waits for no other, and is in nobody’s transaction', async () => {
      const another = new Gate();
      const gate = await together(['bad', 'a'], async (id, _, call) => {
        if (id === 'bad' && call < 3) throw new RetryLaterError({ afterMs: 30_000 });
        if (id === 'second') await another.pass();
      });
      gate.release();
      await until(async () => (await written()).length > 0);
      await send(host, product('second'));
      await another.reached;
      travel(host, 30_000);
      await until(async () => (await effects(host)).includes('save bad v1'));
      // Not because the other's time was up.
      expect(await host.sql(`SELECT error FROM sync_mark WHERE error LIKE '%did not finish%'`)).toEqual([]);
      another.release();
      await settled(host);
      expect(await written()).toEqual(['a', 'bad', 'second'].map((id) => `save ${id} v1`));
    });

    it('an error that one of them swallows is its own', async () => {
      const swallow = (manager: EntityManager) =>
        manager.query('SELECT * FROM no_such_table').catch(() => undefined);
      (await together(['bad', 'a'], (id, { manager }) => id === 'bad' && swallow(manager))).release();
      await settled(host);
      expect((await written()).filter((effect) => effect.includes(' a '))).toEqual(['save a v1']);
      expect(await host.sql(`SELECT state FROM sync_event WHERE record_id = 'a'`)).toMatchObject([
        { state: 'completed' },
      ]);
    });

    it('one whose time is up is cut off with all, and only it has failed', async () => {
      const gates: Gate[] = [];
      const hang = (id: string, _: SyncContext, call: number) => {
        if (id !== 'slow' || call > 2) return undefined;
        gates.push(new Gate());
        return gates.at(-1)!.pass();
      };
      (await together(['a', 'slow'], hang)).release();
      await settled(host);
      gates.forEach((gate) => gate.release());
      expect(await written()).toEqual(['save a v1', 'save slow v1']);
      expect(billing.of('slow').map(({ attempt }) => attempt)).toEqual([1, 1, 2]);
      expect(billing.of('a').map(({ attempt }) => attempt)).toEqual([1, 1]);
    });

    it('one whose lease is lost is left to its owner, the others go on', async () => {
      const gate = await together(['a', 'stolen']);
      await host.sql(
        `UPDATE sync_record SET lease_token = gen_random_uuid(), lease_until = now() + interval '3600 s'
       WHERE record_id = 'stolen'`,
      );
      gate.release();
      await until(async () => (await written()).length > 0);
      await until(() => inLine() === 0);
      expect(billing.of('stolen')).toEqual([]);
      expect(billing.of('a')).toHaveLength(1);
      await host.sql(
        `UPDATE sync_record SET lease_until = now() - interval '1 s' WHERE record_id = 'stolen'`,
      );
      await settled(host);
      expect(await written()).toEqual(['save a v1', 'save stolen v1']);
    });

    it('nothing of it is kept if its connection breaks, and all of it is done again', async () => {
      const gate = new Gate();
      const first = await together(['a', 'b'], (id, _, call) => id === 'b' && call === 1 && gate.pass());
      first.release();
      await gate.reached;
      for (const id of await idleInTransaction(host)) await killSession(host, id);
      gate.release();
      await settled(host);
      expect(await written()).toEqual(['save a v1', 'save b v1']);
      expect(billing.of('a').map(({ attempt }) => attempt)).toEqual([1, 1]);
      expect(billing.of('b').map(({ attempt }) => attempt)).toEqual([1, 1]);
    });

    it('one that ends the transaction by hand is not called again, nor is any other that was in it', async () => {
      const end = (id: string, { manager }: SyncContext) =>
        id === 'bad' && manager.query('COMMIT').then(fail);
      (await together(['a', 'bad'], end)).release();
      await settled(host);
      expect(billing.of('a')).toHaveLength(1);
      expect(billing.of('bad')).toHaveLength(1);
      expect(await written()).toEqual(['save a v1', 'save bad v1']);
      expect(await host.sql(outcome)).toMatchObject([
        { record_id: 'a', state: 'dead', error: expect.stringContaining('ended its transaction itself') },
        { record_id: 'bad', state: 'dead' },
        { record_id: 'first', state: 'completed' },
      ]);
    });
  },
);

function fail(): never {
  throw new Error('after all');
}
