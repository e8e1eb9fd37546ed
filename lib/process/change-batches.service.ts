import { Injectable } from '@nestjs/common';
import type { ChangeHandler } from '../handlers/sync-handler.js';
import { PassTraffic } from '../hydrate/pass-traffic.js';
import { FencedTransaction, type Turn } from './fenced-transaction.js';
import { CommitUnknownError, TransactionEndedError } from './process.errors.js';

/** A pass that waits for its turn. */
interface Member {
  readonly turn: Turn;
  committed(): void;
  failed(error: unknown): void;
}

/** Those who wait for one handler. */
interface Line {
  readonly most: number;
  readonly waiting: Member[];
  underWay: number;
}

/**
 * Lets passes share a transaction, up to `batch` of one handler. No timer: what comes while a transaction is under way
 * shares the next one, and a full batch waits for none.
 */
@Injectable()
export class ChangeBatchesService {
  private readonly lines = new Map<string, Line>();

  constructor(
    private readonly transactions: FencedTransaction,
    private readonly traffic: PassTraffic,
  ) {}

  /**
   * Runs the turn with others of its handler, or alone.
   * @throws as a transaction for this turn alone would: what goes wrong for others is theirs
   */
  async run({ name, options: { batch = 1 } }: ChangeHandler, turn: Turn): Promise<void> {
    const line = this.lines.get(name) ?? { most: batch, waiting: [], underWay: 0 };
    this.lines.set(name, line);
    this.traffic.waiting += 1;
    try {
      await new Promise<void>((committed, failed) => {
        line.waiting.push({ turn, committed, failed });
        // Those that are ready at the same time come together.
        if (line.waiting.length === 1) setImmediate(() => this.pump(line));
        else this.pump(line, line.most);
      });
    } finally {
      this.traffic.waiting -= 1;
    }
  }

  private pump(line: Line, least = 1): void {
    while (line.waiting.length >= (line.underWay === 0 ? least : line.most))
      void this.flush(line, line.waiting.splice(0, line.most));
  }

  private async flush(line: Line, members: readonly Member[]): Promise<void> {
    line.underWay += 1;
    await this.runTogether(members);
    line.underWay -= 1;
    this.pump(line);
  }

  /** All of it or nothing; then each by itself, so that whoever fails does so alone. Never throws. */
  private async runTogether(members: readonly Member[]): Promise<void> {
    if (members.length === 1) return this.runAlone(members[0]!);
    const called = new Set<Member>();
    const turns = members.map((member): Turn => {
      const call = member.turn.call!;
      return { ...member.turn, call: (manager) => (called.add(member), call(manager)) };
    });
    try {
      await this.transactions.run(turns);
      members.forEach((member) => member.committed());
    } catch (error) {
      // What was called may be written for good: not to be called again.
      const mayStand = error instanceof CommitUnknownError || error instanceof TransactionEndedError;
      const [over, left] = [
        members.filter((member) => mayStand && called.has(member)),
        members.filter((member) => !mayStand || !called.has(member)),
      ];
      over.forEach((member) => member.failed(error));
      await Promise.all(left.map((member) => this.runAlone(member)));
    }
  }

  private runAlone({ turn, committed, failed }: Member): Promise<void> {
    return this.transactions.run([turn]).then(committed, failed);
  }
}
