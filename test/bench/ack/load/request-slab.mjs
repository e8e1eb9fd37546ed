import { createHmac, randomBytes } from 'node:crypto';
import { idStart } from '../../events.mjs';
import { now } from './now.mjs';

/** Any id of an event or an invoice, as long as the templates' are: so many digits at its end are its own. */
const ID_DIGITS = 16;

/** Requests ready to be written, one behind the other in memory: thousands of small buffers would cost their collection. */
export class RequestSlab {
  /** When the last one was taken. */
  emptyAt;
  #bodies;
  #bytes = Buffer.alloc(0);
  #ends = [];
  #next = 0;
  /** Ids are counted through, so that no two requests of a run are equal. */
  #made = 0;
  #firstOfFill = 0;
  #run = randomBytes(4).toString('hex');

  constructor(templates) {
    this.#bodies = templates.map(parseTemplate);
  }

  /** Makes so many requests to a path, signed now. @returns the bytes of a body, on average */
  fill(count, { path, secret }) {
    const perBody = Math.max(...this.#bodies.map(({ bytes }) => bytes.length)) + 512;
    if (this.#bytes.length < count * perBody) this.#bytes = Buffer.allocUnsafe(count * perBody);
    this.#ends = [];
    this.#next = 0;
    this.emptyAt = undefined;
    this.#firstOfFill = this.#made;
    const timestamp = Math.floor(Date.now() / 1000);
    for (const { bytes, starts } of this.#bodies)
      for (const start of starts) bytes.write(idStart(), start, 'latin1');
    let end = 0;
    let bodyBytes = 0;
    for (let i = 0; i < count; i++) {
      const body = this.#nextBody();
      const signature = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
      end += this.#bytes.write(
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0\r\nAccept: */*\r\n` +
          `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
          `Stripe-Signature: t=${timestamp},v1=${signature}\r\n\r\n`,
        end,
        'latin1',
      );
      end += body.copy(this.#bytes, end);
      this.#ends.push(end);
      bodyBytes += body.length;
    }
    return bodyBytes / count;
  }

  /** Undefined: there are no more. */
  next() {
    if (this.#next === this.#ends.length) return void (this.emptyAt ??= now());
    const start = this.#next === 0 ? 0 : this.#ends[this.#next - 1];
    return this.#bytes.subarray(start, this.#ends[this.#next++]);
  }

  /** What the id of the event ends in that was taken last. */
  get lastId() {
    return this.#idOf(this.#firstOfFill + this.#next - 1);
  }

  #nextBody() {
    const { bytes, places } = this.#bodies[this.#made % this.#bodies.length];
    const id = this.#idOf(this.#made++);
    for (const place of places) bytes.write(id, place, 'latin1');
    return bytes;
  }

  #idOf(n) {
    return this.#run + n.toString(16).padStart(ID_DIGITS - this.#run.length, '0');
  }
}

/** Its bytes, and where in them the first and the last digits of the event's and the invoice's id stand. */
function parseTemplate({ text, eventId, invoiceId }) {
  const bytes = Buffer.from(text);
  const [starts, places] = [[], []];
  for (const id of [eventId, invoiceId])
    for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1)) {
      starts.push(at + id.indexOf('_') + 1);
      places.push(at + id.length - ID_DIGITS);
    }
  return { bytes, starts, places };
}
