import { connect } from 'node:net';

/** One keep-alive connection that carries one request at a time. Reads of an answer what it must: status and length. */
export class Connection {
  isOpen = true;
  opened;
  #socket;
  #onAnswer;
  #text = '';

  constructor(port) {
    this.opened = new Promise((resolve, reject) => {
      this.#socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        // One buffer for all that comes, instead of one for each chunk.
        onread: {
          buffer: Buffer.allocUnsafe(16_384),
          callback: (length, buffer) => this.#read(buffer.latin1Slice(0, length)),
        },
      });
      this.#socket.once('connect', resolve).once('error', reject);
      this.#socket.once('close', () => this.#closed());
    });
  }

  /** @param onAnswer is given the status and the head of the answer, or 'cut off' */
  send(request, onAnswer) {
    this.#onAnswer = onAnswer;
    this.#socket.write(request);
  }

  close() {
    this.#socket.destroy();
  }

  #read(text) {
    this.#text += text;
    const end = this.#text.indexOf('\r\n\r\n');
    if (end >= 0) {
      const at = this.#text.search(/content-length: /i);
      if (at < 0 || at > end) throw new Error(`an answer without a length: ${this.#text}`);
      if (this.#text.length >= end + 4 + parseInt(this.#text.slice(at + 16), 10)) {
        const head = this.#text.slice(0, end + 2);
        this.#text = '';
        this.#answered(Number(head.slice(9, 12)), head);
      }
    }
    return true;
  }

  #closed() {
    this.isOpen = false;
    this.#answered('cut off');
  }

  #answered(status, head = '') {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(status, head);
  }
}
