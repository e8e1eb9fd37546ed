import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeStripe, SignedDelivery } from 'nestjs-hybrid-sync/testing';
import { signedDelivery } from 'nestjs-hybrid-sync/testing';
import { Random } from '../../lib/testing/fake-provider/random.js';
import type { Balancer } from './balancer.js';

/** A few records get a third of all events. */
const HOT = 6;
const HOT_SHARE = 1 / 3;

/** Comes twice. */
const DUPLICATES = 0.1;

/** Each webhook may be overtaken by so many. */
const WINDOW = 40;

/** What was not accepted comes again after so long. */
const AGAIN_MS = 20;

/** A change at the provider. */
interface Event {
  readonly id: string;
  readonly recordId: string;
  /** Its place among all changes, which is what the record is called after it. */
  readonly number: number;
}

export interface TrafficOptions {
  /** How many records there are. */
  records: number;
  /** How many events there will be. @default until it is ended */
  events?: number;
  seed: number;
  /** How many webhooks are under way at once. */
  senders: number;
  /** How long each sender rests after each of them. @default not at all */
  restMs?: number;
}

/** Changes of customers at the provider, and their webhooks: hot records, duplicates, a different order. */
export class Traffic {
  /** All that has happened, in its order. */
  readonly events: Event[] = [];
  /** Answers other than 200, and connections that were cut under a delivery. */
  readonly failures: string[] = [];
  private readonly waiting: Event[] = [];
  private readonly random: Random;
  private draws = 0;
  private accepted = 0;
  private closed = false;
  private left: number;

  constructor(
    private readonly stripe: FakeStripe,
    private readonly options: TrafficOptions,
  ) {
    this.random = new Random(options.seed);
    this.left = options.events ?? Infinity;
    for (let n = 0; n < options.records; n++)
      stripe.create('customer', { id: recordOf(n) }, { delivery: 'unlogged' });
  }

  /**
   * Resolves when everything has been accepted. What is not is sent again, as providers do.
   * @param progressed told how many deliveries have been accepted, after each of them
   */
  async run(balancer: Balancer, progressed: (accepted: number) => void = () => undefined): Promise<void> {
    const { senders, restMs = 0 } = this.options;
    const sendOn = async () => {
      for (let event = this.next(); event; event = this.next()) {
        while (!this.closed && !(await this.isAccepted(event, balancer))) await sleep(AGAIN_MS);
        this.accepted += 1;
        progressed(this.accepted);
        if (restMs > 0) await sleep(restMs);
      }
    };
    await Promise.all(Array.from({ length: senders }, sendOn));
  }

  /** Nothing happens at the provider any more; what is on its way is sent. */
  end(): void {
    this.left = 0;
  }

  /** Gives up what is on its way too. */
  close(): void {
    this.end();
    this.closed = true;
    this.waiting.length = 0;
  }

  private async isAccepted(event: Event, balancer: Balancer): Promise<boolean> {
    try {
      const { status } = await balancer.deliver(this.deliveryOf(event));
      if (status !== 200) this.failures.push(`${event.id}: ${status}`);
      return status === 200;
    } catch (error) {
      this.failures.push(`${event.id}: ${String(error)}`);
      return false;
    }
  }

  private next(): Event | undefined {
    while (this.waiting.length < WINDOW && this.left > 0) this.happen();
    const at = Math.floor(this.draw() * this.waiting.length);
    return this.waiting.splice(at, 1)[0];
  }

  private happen(): void {
    this.left -= 1;
    const number = this.events.length;
    const { records } = this.options;
    const isHot = this.draw() < HOT_SHARE;
    const recordId = recordOf(
      isHot ? Math.floor(this.draw() * HOT) : HOT + Math.floor(this.draw() * (records - HOT)),
    );
    const event = { id: `evt_${this.options.seed}_${number}`, recordId, number };
    this.stripe.update('customer', recordId, { name: String(number) }, { delivery: 'unlogged' });
    this.events.push(event);
    this.waiting.push(event);
    if (this.draw() < DUPLICATES) this.waiting.push(event);
  }

  private deliveryOf({ id, recordId, number }: Event): SignedDelivery {
    const data = { object: { id: recordId, object: 'customer', name: String(number) } };
    // A second for each: so the order of all is known.
    const payload = { id, object: 'event', type: 'customer.updated', created: 1_700_000_000 + number, data };
    return signedDelivery({ payload, secret: this.stripe.webhookSecret });
  }

  private draw(): number {
    return this.random.of(String(this.draws++));
  }
}

function recordOf(n: number): string {
  return `cus_${n}`;
}
