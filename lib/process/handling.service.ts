import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ResolvedSyncOptions } from '../sync.options.js';
import { ChangeBatchesService } from './change-batches.service.js';
import { FencedTransaction, type Turn } from './fenced-transaction.js';
import { HandlerCaller } from './handler-call.js';
import type { Ledger, Step } from './ledger.js';
import { LeaseService } from './lease.service.js';
import type { PassAccount } from './pass-account.js';
import { CommitUnknownError, DrainingError, LeaseLostError } from './process.errors.js';
import type { Reading } from './reading.service.js';
import { SetbackService } from './setback.service.js';
import type { Settlement } from './settlement.js';
import { withinTime } from './within-time.js';
import type { RecordState, Work } from './work.js';

/** A pass whose record is known: what is left is to call its handlers. */
interface Handling {
  readonly work: Work;
  /** What every fence saves; undefined: nothing was fetched. */
  readonly state: RecordState | undefined;
  readonly ledger: Ledger;
  readonly account: PassAccount;
  readonly caller: HandlerCaller;
}

/** Calls the handlers of a pass, one after the other, and writes down after each what follows from it. */
@Injectable()
export class HandlingService {
  /** No handler is begun any more. */
  draining = false;

  /** Aborted when the application cannot wait any longer: handlers see it as their context's signal. */
  private readonly stopping = new AbortController();

  constructor(
    private readonly leases: LeaseService,
    private readonly transactions: FencedTransaction,
    private readonly batches: ChangeBatchesService,
    private readonly setback: SetbackService,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /**
   * Until no handler is left that could run now; the last transaction releases the record.
   * @throws LeaseLostError, and what keeps results from being written down
   */
  async handle(
    work: Work,
    reading: Reading & { outcome: 'known' },
    ledger: Ledger,
    account: PassAccount,
  ): Promise<void> {
    const state = reading.fetched ? reading.state : undefined;
    const caller = new HandlerCaller(work, reading.state, this.stopping.signal);
    const handling = { work, state, ledger, account, caller };
    try {
      for (let step = ledger.next(); step; step = ledger.next()) await this.take(step, handling);
      if (!account.released) await this.settle(handling);
    } catch (error) {
      if (!(error instanceof DrainingError)) throw error;
      // What is done is written down, the rest still waits: another worker goes on with it.
      await this.leases.release(work.record);
    }
  }

  /** Asks running handlers to come to an end, and cuts off those in a transaction: nobody will wait for them. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.transactions.cutOff();
  }

  private async take(step: Step, handling: Handling): Promise<void> {
    const { ledger, account } = handling;
    try {
      ledger.assertCallable(step);
      await this.call(step, handling);
      account.calls += 1;
    } catch (error) {
      if (error instanceof LeaseLostError || error instanceof CommitUnknownError) throw error;
      // Called off by the application's end, which is no failure of the handler's.
      if (error instanceof DrainingError || this.stopping.signal.aborted) throw new DrainingError();
      account.failures += 1;
      ledger.fail(step, error);
      await this.settleAfter(step, handling);
    }
  }

  private async call(step: Step, handling: Handling): Promise<void> {
    const { work, state, ledger, caller, account } = handling;
    const timeoutMs = step.handler.options.timeoutMs ?? this.options.handlerTimeoutMs;
    const begin = (manager?: EntityManager) => {
      if (this.draining) throw new DrainingError();
      account.hasCalled = true;
      return caller.call(step, timeoutMs, manager);
    };
    if (step.handler.options.transaction !== 'none') {
      return this.settle(handling, { step, timeoutMs, call: async (manager) => begin(manager) });
    }
    // The state is saved first; then no row is locked and no connection held while the handler is out.
    const calling = ledger.calling(step);
    await this.transactions.run([{ work, state, settle: () => calling }]);
    await withinTime(timeoutMs, begin());
    ledger.succeed(step);
    await this.settleAfter(step, handling);
  }

  /**
   * If the lease is lost by now, what a handler has done elsewhere, even one that failed, may have come too late; and who cannot
   * write down that it is done cannot tell whether the lease is lost.
   */
  private async settleAfter(step: Step, handling: Handling): Promise<void> {
    try {
      await this.settle(handling);
    } catch (error) {
      if (step.kind === 'change' && step.handler.options.transaction === 'none')
        await this.setback.setBack(handling.work, step.handler);
      throw error;
    }
  }

  /** One transaction: fence and save, the handler's work if any, and what follows from it. */
  private async settle(
    { work, state, ledger, account }: Handling,
    handler?: { step: Step; timeoutMs: number; call: (manager: EntityManager) => Promise<void> },
  ): Promise<void> {
    let settlement: Settlement | undefined;
    const settle = () => {
      // Here, and not where the handler returns: one that has outlived its time returns too, in the end.
      if (handler) ledger.succeed(handler.step);
      return (settlement = ledger.settlement());
    };
    const turn: Turn = { work, state, settle, call: handler?.call, timeoutMs: handler?.timeoutMs };
    if (handler && state && isShared(handler.step)) await this.batches.run(handler.step.handler, turn);
    else await this.transactions.run([turn]);
    ledger.saved(settlement!);
    account.committed(settlement!);
  }
}

/** What has failed before keeps its failures to itself. */
function isShared(step: Step): step is Step & { kind: 'change' } {
  if (step.kind !== 'change' || (step.handler.options.batch ?? 1) === 1) return false;
  return step.mark.error === null;
}
