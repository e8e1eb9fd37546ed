import { FakeSalesforce } from 'nestjs-hybrid-sync/testing';
import jsforce from 'jsforce';
import { defineInvoice } from '../support/invoice-object.js';

/** A fake with an object of its own, and the real client that talks to it. */
export async function openOrg(options: Parameters<typeof FakeSalesforce.start>[0] = {}) {
  const org = await FakeSalesforce.start(options);
  defineInvoice(org);
  return { org, connection: connectionTo(org) };
}

export function connectionTo(org: FakeSalesforce) {
  return new jsforce.Connection({ instanceUrl: org.url, accessToken: org.accessToken, version: '60.0' });
}

export type Org = Awaited<ReturnType<typeof openOrg>>;

/** What the API refuses with. */
export async function refusal(promise: PromiseLike<unknown>): Promise<{ code: string; message: string }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as { errorCode?: string; name: string; message: string },
  );
  if (!error) throw new Error('it was not refused');
  return { code: error.errorCode ?? error.name, message: error.message };
}
