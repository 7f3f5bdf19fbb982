/** The dashboard: one page over the live feed and the commands of a mesh. */
import { openActs } from "./acts.ts";
import { Breakers } from "./breakers.ts";
import { Connection } from "./connection.ts";
import { byId, element, fill } from "./dom.ts";
import { Field } from "./field.ts";
import { FieldInput } from "./field-input.ts";
import { addressOfAgent, type MeshSize } from "./layout.ts";
import { openAccount, showEntrance } from "./login.ts";
import type { Operation, Status } from "./model.ts";
import { type Palette, paletteOf, type View } from "./palette.ts";
import { AgentPanel } from "./panel-agent.ts";
import { showArrivals } from "./panel-arrivals.ts";
import { showKpis } from "./panel-kpis.ts";
import { openLists } from "./panel-lists.ts";
import { showOperation } from "./panel-operation.ts";
import { showStatus } from "./panel-status.ts";
import { type CommandEntry, RefusedError, Session } from "./session.ts";
import { openTheme, showTheme, type Theme } from "./theme.ts";
import { Travel } from "./travel-chart.ts";
import { showLegend, ViewSwitch } from "./view-switch.ts";
import type { CellColumnName, FeedMessage } from "./wire.ts";

/** How long the picture of an operation stays when it has ended, ms. */
const LINGER_MS = 6_000;
const REMEMBERED = 60;
const UNAUTHORIZED = 401;

/** All parts of the page. */
class Dashboard {
  readonly #session: Session;
  readonly #commands: readonly CommandEntry[];
  readonly #connection: Connection;
  readonly #switch = new ViewSwitch((view) => this.#choose(view));
  readonly #agent: AgentPanel;
  readonly #showActs: (status: Status) => void;
  #theme: Theme = "light";
  #palette: Palette = paletteOf("impedance", "light");
  #view: View = "impedance";
  /** What is shown while no operation is followed. */
  #chosen: View = "impedance";
  #field: Field | undefined;
  #input: FieldInput | undefined;
  #size: MeshSize | undefined;
  #breakers: Breakers | undefined;
  #status: Status | undefined;
  #ended: Operation[] = [];
  #shown: Operation | undefined;
  #nowMs = 0;
  #linger = 0;
  readonly #travel = new Travel();

  constructor(session: Session, commands: readonly CommandEntry[]) {
    this.#session = session;
    this.#commands = commands;
    this.#agent = new AgentPanel(session, () => this.#onAgentClosed());
    openTheme((theme) => this.#onTheme(theme));
    this.#switch.offer("breaker", false);
    this.#show("impedance");
    const follow = byId<HTMLInputElement>("follow");
    follow.checked = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#showActs = openActs(commands, { session, status: () => this.#status });
    openLists(commands, session);
    openAccount(
      session,
      commands.some(({ name }) => name === "operators"),
    );
    showOperation(undefined, 0, this.#travel);
    showArrivals([], this.#theme);
    addEventListener("resize", () => showArrivals(this.#ended, this.#theme));
    this.#connection = new Connection(session.token, "impedance", {
      message: (message) => this.#onMessage(message),
      cells: (column, cells) => this.#onCells(column, cells),
      link: (state) => {
        const link = byId("link");
        link.dataset.state = state;
        link.textContent = state;
        if (state === "lost") void this.#leaveIfOut();
      },
    });
  }

  /** A session that is over sees no more: the page begins anew, before it. */
  async #leaveIfOut(): Promise<void> {
    const wasIn = this.#session.login.session !== null;
    const now = await this.#session.refresh().catch(() => undefined);
    if (wasIn && now !== undefined && now.session === null) location.reload();
  }

  #onMessage(message: FeedMessage): void {
    if (message.nowMs !== undefined) this.#nowMs = message.nowMs;
    if (message.hello !== undefined) this.#onHello(message.hello);
    if (message.status !== undefined) {
      this.#status = message.status as Status;
      showStatus(this.#status);
      this.#showActs(this.#status);
      showOperation(this.#shown, this.#nowMs, this.#travel);
    }
    if (message.kpis !== undefined) showKpis(message.kpis as Record<string, unknown>);
    if (message.ended !== undefined) this.#onEnded(message);
    if (message.operations !== undefined) this.#onOperations(message.operations as Operation[]);
  }

  #onHello(size: MeshSize): void {
    // Said once to each connection; the mesh has not changed its size.
    if (this.#field !== undefined) return;
    this.#size = size;
    const canvas = byId<HTMLCanvasElement>("cells");
    this.#field = new Field(canvas, size, this.#palette, this.#theme);
    this.#input = new FieldInput(this.#field, {
      open: (agent) => this.#open(agent),
      nameOf: (byte) => this.#palette.nameOf(byte),
    });
    this.#breakers = new Breakers(this.#session, this.#commands, size, (cells) => {
      if (this.#view === "breaker") this.#field?.show(cells);
    });
    this.#switch.offer("breaker", this.#breakers.isKnown);
  }

  #onCells(column: CellColumnName, cells: Uint8Array): void {
    if (column !== this.#view) return;
    this.#field?.show(cells);
    this.#input?.shown();
  }

  #onEnded({ ended = [], status }: FeedMessage): void {
    // With a status comes all that is remembered, alone only what is new.
    const known = status === undefined ? this.#ended : [];
    this.#ended = [...known, ...(ended as readonly Operation[])].slice(-REMEMBERED);
    this.#shown = this.#ended.at(-1) ?? this.#shown;
    showOperation(this.#shown, this.#nowMs, this.#travel);
    showArrivals(this.#ended, this.#theme);
  }

  #onOperations(out: readonly Operation[]): void {
    if (out.length === 0) {
      this.#linger = window.setTimeout(() => this.#show(this.#chosen), LINGER_MS);
      return;
    }
    clearTimeout(this.#linger);
    [this.#shown] = out;
    this.#travel.note(out[0], this.#nowMs);
    showOperation(this.#shown, this.#nowMs, this.#travel);
    if (byId<HTMLInputElement>("follow").checked) this.#show("operation");
  }

  #choose(view: View): void {
    this.#chosen = view;
    clearTimeout(this.#linger);
    this.#show(view);
  }

  #show(view: View): void {
    const isNew = view !== this.#view;
    this.#view = view;
    this.#switch.mark(view);
    this.#repaint();
    if (!isNew) return;
    if (view === "breaker") this.#breakers?.start();
    else {
      this.#breakers?.stop();
      this.#connection.show(view);
    }
  }

  #onTheme(theme: Theme): void {
    this.#theme = theme;
    this.#repaint();
    showArrivals(this.#ended, theme);
  }

  #repaint(): void {
    this.#palette = paletteOf(this.#view, this.#theme);
    this.#field?.paint(this.#palette, this.#theme);
    showLegend(this.#palette);
  }

  #open(agent: number): void {
    if (this.#field === undefined || this.#size === undefined) return;
    this.#field.opened = agent;
    this.#field.ask();
    this.#agent.open(addressOfAgent(this.#size, agent));
  }

  #onAgentClosed(): void {
    if (this.#field === undefined) return;
    this.#field.opened = -1;
    this.#field.ask();
    byId("cells").focus();
  }
}

async function start(): Promise<void> {
  showTheme();
  try {
    const session = await Session.open();
    const { isEnrolled, hasBreakGlass } = session.login;
    const isLetIn = session.role !== "none";
    if (session.invitation !== "" || (!isLetIn && (isEnrolled || hasBreakGlass))) {
      openTheme(() => {});
      showEntrance(session);
      return;
    }
    new Dashboard(session, await session.commands());
  } catch (error) {
    const refused = error instanceof RefusedError && error.status === UNAUTHORIZED;
    const sentence = refused
      ? "This page needs the token: open the URL that `mesh-30k start` printed."
      : (error as Error).message;
    fill(
      document.querySelector("main") as HTMLElement,
      element("p", { class: "agents bad", role: "alert" }, sentence),
    );
    byId("link").textContent = refused ? "not allowed" : "not reached";
    throw error;
  }
}

void start();
