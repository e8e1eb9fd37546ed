import { Inject, Injectable, Logger } from '@nestjs/common';
import { labelOf } from './handlers/mirror.check.js';
import { isTargetMirror, type Mirror } from './handlers/mirror.js';
import type { FetchOptions } from './model/connector.js';
import { SyncClock } from './sync.clock.js';
import { SyncConfigError } from './sync.errors.js';
import { ResolvedSyncOptions } from './sync.options.js';
import { messageOf } from './model/message-of.js';

/** A boot waits no longer for what a provider has to say. */
const LIMIT_MS = 5_000;

/** Asks providers at boot about what the options name. One that does not answer keeps nobody from booting. */
@Injectable()
export class SyncInspection {
  private readonly logger = new Logger('Sync');

  constructor(
    private readonly clock: SyncClock,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** @throws SyncConfigError with the first thing that is wrong */
  async inspect(mirrors: readonly Mirror[]): Promise<void> {
    await Promise.all([...this.sources(), ...this.targets(mirrors)]);
  }

  private sources(): Promise<void>[] {
    return Object.entries(this.options.sources).map(async ([name, { connector }]) => {
      const problems = await this.asked(name, () => connector.inspect?.(this.within()));
      const [found] = problems ?? [];
      if (found) throw new SyncConfigError(found.code, `source '${name}': ${found.message}`);
    });
  }

  private targets(mirrors: readonly Mirror[]): Promise<void>[] {
    return mirrors.filter(isTargetMirror).map(async (mirror) => {
      const { to } = mirror.options;
      const connector = to.source === undefined ? undefined : this.options.sources[to.source]!.connector;
      const problem = await this.asked(to.name, () => to.inspect?.({ connector, ...this.within() }));
      if (problem) throw new SyncConfigError('SYNC_INVALID_OPTION', `${labelOf(mirror)}: ${problem}`);
    });
  }

  private async asked<T>(name: string, ask: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      this.logger.warn(`${name} could not be asked whether its options are right: ${messageOf(error)}`);
      return undefined;
    }
  }

  private within(): FetchOptions {
    return { signal: AbortSignal.timeout(LIMIT_MS), timeoutMs: LIMIT_MS, nowMs: this.clock.now() };
  }
}
