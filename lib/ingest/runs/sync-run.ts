import { defer, distinctUntilChanged, lastValueFrom, repeat, takeWhile, timer, type Observable } from 'rxjs';
import { aWholeNumber } from '../../model/option-kinds.js';
import { optionProblem } from '../../model/option-problem.js';
import type { Finding, RunReport } from '../../model/run.js';

/** How often progress is looked at: short runs are over soon. */
const FIRST_LOOK_MS = 20;
const EVERY_MS = 250;

const PAGE_KINDS = { limit: aWholeNumber(1), offset: aWholeNumber(0) };

const GOES_ON: readonly RunReport['state'][] = ['running', 'paused'];

/** What a run's handle calls. */
export interface RunControl {
  report(): Promise<RunReport>;
  findings(limit: number, offset: number): Promise<Finding[]>;
  change(to: 'running' | 'paused' | 'cancelled'): Promise<void>;
}

/**
 * A run that has been begun, in the background of whichever processes run handlers. It goes on when this handle is
 * forgotten or its process ends: `SyncService.run(id)` gives another.
 */
export class SyncRun {
  constructor(
    /** Under which it stands in `sync_run`. */
    readonly id: string,
    private readonly control: RunControl,
  ) {}

  /**
   * How far it is: at once to who subscribes, whenever that has changed, and a last time at its end. Errors if the database
   * cannot be asked.
   */
  get progress(): Observable<RunReport> {
    return defer(() => this.control.report()).pipe(
      repeat({ delay: (looks) => timer(Math.min(FIRST_LOOK_MS * 2 ** (looks - 1), EVERY_MS)) }),
      distinctUntilChanged((a, b) => signOf(a) === signOf(b)),
      takeWhile(({ state }) => GOES_ON.includes(state), true),
    );
  }

  /** How far it is now. */
  report(): Promise<RunReport> {
    return this.control.report();
  }

  /**
   * The records that a reconciliation has found to differ, by resource and id.
   * @param page a part of them @default the first 1,000
   * @throws RangeError for what is no part
   */
  async findings(page: { limit?: number; offset?: number } = {}): Promise<Finding[]> {
    const problem = optionProblem(page, PAGE_KINDS);
    if (problem) throw new RangeError(`SyncRun.findings(): ${problem}`);
    return this.control.findings(page.limit ?? 1_000, page.offset ?? 0);
  }

  /** Resolves at its end, whatever that is: look at `state`. */
  done(): Promise<RunReport> {
    return lastValueFrom(this.progress);
  }

  /** Stops it with the page that it is at. Handlers go on with what is listed. Like the next two, without effect after its end. */
  pause(): Promise<void> {
    return this.control.change('paused');
  }

  /** Goes on from there. */
  resume(): Promise<void> {
    return this.control.change('running');
  }

  /** Ends it. What is listed already is handled all the same. */
  cancel(): Promise<void> {
    return this.control.change('cancelled');
  }
}

function signOf({ state, resources, notDone }: RunReport): string {
  return JSON.stringify([state, resources, notDone]);
}
