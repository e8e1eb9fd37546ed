import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';

/**
 * The module's own timers. The host's registry, and its jobs, are none of our business; and a token of our own, since
 * `app.get(SchedulerRegistry)` finds any provider of that name, in whichever module.
 */
@Injectable()
export class SyncSchedulerRegistry extends SchedulerRegistry {}
