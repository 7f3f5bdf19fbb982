// A process that answers agents over NATS and knows nothing but its text protocol: what it says is up to the test.
import { connect, type Socket } from "node:net";

/** A request as it came. */
export interface Asked {
  readonly subject: string;
  // biome-ignore lint/suspicious/noExplicitAny: what agents send is what the tests look at
  readonly json: any;
}

export class RawNats {
  readonly asked: Asked[] = [];
  readonly #socket: Socket;
  readonly #answer: (asked: Asked) => unknown;
  #rest = Buffer.alloc(0);

  private constructor(socket: Socket, answer: (asked: Asked) => unknown) {
    this.#socket = socket;
    this.#answer = answer;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", () => {});
  }

  /** Answers what is asked below `subject` with JSON, or text as it is, or never where the answer is undefined. */
  static async start(
    port: number,
    subject: string,
    answer: (asked: Asked) => unknown,
  ): Promise<RawNats> {
    const socket = connect(port, "127.0.0.1");
    const raw = new RawNats(socket, answer);
    socket.write(`CONNECT {"verbose":false,"headers":true}\r\nSUB ${subject} 1\r\nPING\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    return raw;
  }

  publish(subject: string, text = ""): void {
    this.#socket.write(`PUB ${subject} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }

  /** Answers as services of NATS say that something is wrong. */
  #fail(subject: string, code: number, text: string): void {
    const head = `NATS/1.0\r\nNats-Service-Error-Code: ${code}\r\nNats-Service-Error: ${text}\r\n\r\n`;
    this.#socket.write(`HPUB ${subject} ${head.length} ${head.length}\r\n${head}\r\n`);
  }

  stop(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end < 0) return;
      const words = this.#rest.toString("utf8", 0, end).split(" ");
      let next = end + 2;
      if (words[0] === "MSG") {
        const from = next;
        next += Number(words.at(-1)) + 2;
        if (this.#rest.length < next) return;
        this.#hear(words, this.#rest.toString("utf8", from, next - 2));
      } else if (words[0] === "PING") this.#socket.write("PONG\r\n");
      this.#rest = this.#rest.subarray(next);
    }
  }

  #hear([, subject, , reply]: readonly string[], body: string): void {
    const asked: Asked = { subject, json: body === "" ? undefined : JSON.parse(body) };
    this.asked.push(asked);
    const answer = this.#answer(asked);
    if (answer === undefined) return;
    const { code, text } = Object(answer) as { code?: number; text?: string };
    if (code !== undefined) this.#fail(reply, code, text ?? "");
    else this.publish(reply, typeof answer === "string" ? answer : JSON.stringify(answer));
  }
}
