import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';

/** How long a request may have been on its way when the server stopped listening. */
const ON_ITS_WAY_MS = 100;

/** The end of a server, at which no request fails that was sent before it. */
export class Drain {
  readonly #server: Server;
  readonly #unanswered = new Set<ServerResponse>();
  #ending = false;

  constructor(server: Server) {
    this.#server = server;
    server.prependListener('request', (_, response: ServerResponse) => {
      this.#unanswered.add(response);
      response.once('close', () => this.#unanswered.delete(response));
      if (this.#ending) response.setHeader('Connection', 'close');
    });
  }

  /** Takes no more connections, and answers what comes over those that there are, telling them to close. */
  async end(mostMs: number): Promise<void> {
    const server = this.#server;
    const closed = once(server, 'close');
    const last = setTimeout(() => server.closeAllConnections(), mostMs);
    this.#ending = true;
    for (const response of this.#unanswered) {
      if (!response.headersSent) response.setHeader('Connection', 'close');
    }
    // Not yet http's own, which at once closes connections that a request may be on its way over.
    NetServer.prototype.close.call(server);
    const idle = setTimeout(() => server.close(), ON_ITS_WAY_MS);
    await closed;
    clearTimeout(idle);
    clearTimeout(last);
    // Ends what http watches connections with.
    server.close();
  }
}
