import { Injectable } from '@nestjs/common';

/** How many passes of this process are under way, and how many of them wait for a call that others may share. */
@Injectable()
export class PassTraffic {
  running = 0;
  waiting = 0;
  /** Whether more passes are about to begin. The dispatcher knows. */
  isComing: () => boolean = () => false;

  /** Nobody is left who could still come and share a call. */
  get isStill(): boolean {
    return this.waiting >= this.running && !this.isComing();
  }
}
