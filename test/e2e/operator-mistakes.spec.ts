import { Injectable } from '@nestjs/common';
import { OnSyncEvent, UnrecoverableError } from 'nestjs-hybrid-sync';
import { startHost, until, type Host } from '../support/host.js';
import { Customer } from '../support/customer.js';
import { quick, send, settled } from '../support/scenario.js';

@Injectable()
class Billing {
  @OnSyncEvent('stripe', 'customer.*', { name: 'book', hydrate: false })
  book() {
    throw new UnrecoverableError('never');
  }
}

describe('an operator who errs', () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost({
      ...quick,
      providers: [Billing],
      entities: [...(quick.entities ?? []), Customer],
    });
    await send(host, { object: 'customer', id: 'cus_1' });
    await send(host, { object: 'customer', id: 'cus_2' });
    await settled(host);
  });
  afterAll(() => host.close());

  const adoption = { from: Customer, key: 'id' };
  const record = { source: 'stripe', resource: 'customer', id: 'cus_1' };
  const mistakes: Record<string, [(sync: any) => Promise<unknown>, RegExp]> = {
    'a misspelt field of a replay': [
      (sync) => sync.replay({ state: 'dead', recordid: 'cus_1' }),
      /replay\(\): there is no such option: 'recordid'. Did you mean 'recordId'\?/,
    ],
    'a replay with nothing but that': [(sync) => sync.replay({ stat: 'dead' }), /Did you mean 'state'\?/],
    'a state that there is not': [
      (sync) => sync.replay({ state: 'deadd' }),
      /state must be 'completed' or 'skipped' or 'dead', and is 'deadd'/,
    ],
    'an option of a replay': [
      (sync) => sync.replay({ state: 'dead' }, { handlers: 'al' }),
      /handlers must be 'failed' or 'all'/,
    ],
    'a handler of a replay': [
      (sync) => sync.replay({ handler: 'boook' }),
      /there is no handler 'boook'; there is: 'book'/,
    ],
    'a source of a replay': [(sync) => sync.replay({ source: 'strpe' }), /there is no source 'strpe'/],
    'a field of a pause': [
      (sync) => sync.pause({ source: 'stripe', connection: 'acct_1' }),
      /Did you mean 'connectionId'\?/,
    ],
    'the source of what is to be erased': [
      (sync) => sync.erase({ ...record, source: 'strpe' }),
      /there is no source 'strpe'; there is: 'stripe'/,
    ],
    'the source of what is to be adopted': [
      (sync) => sync.adopt('strpe', 'customer', adoption),
      /there is no source 'strpe'/,
    ],
    'its resource': [
      (sync) => sync.adopt('stripe', 'custmer', adoption),
      /adopt\(\): 'custmer' cannot be read from stripe/,
    ],
    'its column': [
      (sync) => sync.adopt('stripe', 'customer', { ...adoption, key: 'stripId' }),
      /Customer has no column 'stripId'; it has: .*id/,
    ],
    'a field of that': [
      (sync) => sync.adopt('stripe', 'customer', { ...adoption, connection: 'acct_1' }),
      /Did you mean 'connectionId'\?/,
    ],
    'an entity that is none': [
      (sync) => sync.adopt('stripe', 'customer', { ...adoption, from: Billing }),
      /Billing is no entity of the module's data source/,
    ],
    'what is to be explained': [(sync) => sync.explain(5), /the event's id must be a text .*, and is 5/],
    'a run about nothing': [
      (sync) => sync.backfill({ source: 'stripe', resources: [] }),
      /resources must be an array of at least one name; leave it out for all, and is an empty array/,
    ],
    'a run without a source': [(sync) => sync.reconcile({}), /reconcile\(\): source is missing/],
    'a field of it': [(sync) => sync.erase({ ...record, conection: 'acct_1' }), /there is no such option/],
  };

  it.each(Object.entries(mistakes))('in %s is told so, and nothing happens', async (_, [act, message]) => {
    const states = () => host.sql('SELECT state, replay_no, payload IS NULL AS gone FROM sync_event');
    const before = await states();
    await expect(act(host.sync)).rejects.toThrow(message);
    await expect(act(host.sync)).rejects.toThrow(RangeError);
    expect(await states()).toEqual(before);
    expect(await host.sql('SELECT source FROM sync_pause')).toEqual([]);
  });

  it('and has paused a source is reminded of it', async () => {
    await host.sync.pause({ source: 'stripe' });
    const id = await send(host, { object: 'customer', id: 'cus_3' });
    await until(async () => /its source or connection is paused/.test(await host.sync.explain(id)));
    await host.sync.resume({ source: 'stripe' });
    await settled(host);
  });
});
