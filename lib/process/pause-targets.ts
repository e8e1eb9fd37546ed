import { Inject, Injectable } from '@nestjs/common';
import { HandlerRegistry } from '../handlers/handler.registry.js';
import type { Pause } from '../inbox/pause.service.js';
import { ResolvedSyncOptions } from '../sync.options.js';

/** What can be paused: a source, one connection of it, or a handler by its name. */
export type PauseTarget =
  { source: string; connectionId?: string; handler?: undefined } | { handler: string; source?: undefined };

/** Finds out what an operator means. */
@Injectable()
export class PauseTargets {
  constructor(
    private readonly registry: HandlerRegistry,
    @Inject(ResolvedSyncOptions) private readonly options: ResolvedSyncOptions,
  ) {}

  /** @throws RangeError for a source or handler that is not known */
  resolve(target: PauseTarget): Pause {
    if (target.handler !== undefined) {
      const handler = this.registry.named(target.handler);
      if (!handler)
        throw unknown(
          'handler',
          target.handler,
          this.registry.all().map(({ label }) => label),
        );
      return { source: handler.source, connectionId: '', handler: handler.name };
    }
    const sources = Object.keys(this.options.sources);
    if (!sources.includes(target.source)) throw unknown('source', target.source, sources);
    return { source: target.source, connectionId: target.connectionId ?? '', handler: '' };
  }
}

function unknown(kind: string, name: string, known: string[]): RangeError {
  const list = known.map((each) => `'${each}'`).join(', ');
  return new RangeError(`there is no ${kind} '${name}'; there is: ${list || 'none'}`);
}
