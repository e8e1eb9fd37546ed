import { Injectable } from '@nestjs/common';
import { WaitingEventsService } from '../inbox/waiting-events.service.js';
import { Dispatcher } from './dispatcher.js';

const IDLE_POLL_MS = 20;

/** For a process that runs no passes: what it stores, another process' sweep finds. */
@Injectable()
export class RemoteDispatcher extends Dispatcher {
  constructor(private readonly waiting: WaitingEventsService) {
    super();
  }

  dispatch(): void {
    // The row is committed: nothing is lost by saying nothing.
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }

  /** An event that a handler is at work on, anywhere, is due until its pass has settled it. */
  async idle(): Promise<void> {
    while (await this.waiting.anyDue()) await new Promise((resolve) => setTimeout(resolve, IDLE_POLL_MS));
  }

  start(): void {
    // Nothing runs here.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
