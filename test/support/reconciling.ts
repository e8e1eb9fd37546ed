import { mirror, type ReconcileOptions, type RunReport } from 'nestjs-hybrid-sync';
import { Customer } from './customer.js';
import { startHost, until, type Host, type HostOptions } from './host.js';
import { quick, settled, travel } from './scenario.js';

const customers = mirror('stripe', 'customer', {
  to: Customer,
  key: ['id'],
  map: ({ id, email }: { id: string; email: string | null }) => ({ id, email }),
});

/** A host with a mirror of Stripe's customers, unless it is given others. */
export function startMirroring(options: Partial<HostOptions> = {}): Promise<Host> {
  return startHost({
    ...quick,
    entities: [...quick.entities, Customer],
    mirrors: [customers],
    ...options,
    sync: { ...quick.sync, missingConfirmMs: 40, ...options.sync },
  });
}

/** All of Stripe's customers are there, as they are, and no others. */
export async function expectMirrorEqual(host: Host): Promise<void> {
  const rows = await host.dataSource.getRepository(Customer).find();
  expect(rows.map(({ id, email }) => `${id} ${email}`).sort()).toEqual(
    host.stripe
      .all('customer')
      .map(({ id, email }) => `${id} ${email as string}`)
      .sort(),
  );
}

/** For the host and for Stripe alike. */
export function passTime(host: Host, ms: number): void {
  host.stripe.clock.offsetMs += ms;
  travel(host, ms);
}

/** What has come within the last minutes is on its way, and nothing that was lost. */
export async function longAgo(host: Host): Promise<void> {
  await host.stripe.flush();
  await settled(host);
  passTime(host, 600_000);
}

/**
 * One reconciliation, to its end.
 * @param stepMs so much time passes between two looks at it
 */
export async function reconcile(
  host: Host,
  options: Partial<ReconcileOptions> = {},
  stepMs = 50,
): Promise<RunReport> {
  const run = await host.sync.reconcile({ source: 'stripe', ...options });
  let report = await run.report();
  await until(async () => {
    // Reads that have not found a record are repeated over a while.
    passTime(host, stepMs);
    report = await run.report();
    return report.finishedAt !== null;
  });
  return report;
}

/** No findings, in a report that has to match: `{}` there would match any. */
export const NONE = { asymmetricMatch: (findings: object) => Object.keys(findings).length === 0 };

/** What it has found, in words. */
export async function found(host: Host, { id }: RunReport): Promise<string[]> {
  const findings = await host.sync.run(id).findings();
  return findings.map(({ kind, recordId, cause }) => `${kind} ${recordId}: ${cause}`);
}
