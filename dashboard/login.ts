/** Logging in: the page before the dashboard, and the button that says who is logged in. */
import { ask } from "./ask-dialog.ts";
import { createCredential, hasAuthenticators, signWith, whyNot } from "./credentials.ts";
import { byId, type Content, element, fill } from "./dom.ts";
import type { Session } from "./session.ts";

const ROLES = ["observe", "operate", "admin"];

/** What stands in place of the dashboard for whoever is not let in. */
export function showEntrance(session: Session): void {
  const card = session.invitation === "" ? signInCard(session) : enrolCard(session);
  document.body.dataset.view = "entrance";
  byId("link").textContent = session.invitation === "" ? "not signed in" : "invited";
  fill(document.querySelector("main") as HTMLElement);
  document.querySelector("main")?.append(card);
  card.querySelector<HTMLElement>("button, a.button, input")?.focus();
}

function signInCard(session: Session): HTMLElement {
  const { isEnrolled, hasBreakGlass } = session.login;
  const status = statusLine();
  const act = async (): Promise<void> => {
    await session.ask("", { assertion: await signWith(await session.ask("/options")) });
  };
  return element(
    "section",
    { class: "entrance", "aria-labelledby": "entrance-title" },
    element("h2", { id: "entrance-title" }, "Sign in"),
    isEnrolled
      ? element(
          "p",
          {},
          "Your security key, phone or computer signs you in, and checks that it is you.",
        )
      : element(
          "p",
          {},
          "Nobody is enrolled yet: ask for an invitation, mesh-30k operators invite NAME.",
        ),
    isEnrolled ? (elsewhere(session, "") ?? button("Sign in", "primary", act, status)) : undefined,
    hasBreakGlass ? breakGlassForm(session, status, !isEnrolled) : undefined,
    status,
  );
}

function enrolCard(session: Session): HTMLElement {
  const { invitation } = session;
  const status = statusLine();
  const act = async (): Promise<void> => {
    const credential = await createCredential(await session.ask("/enrol-options", { invitation }));
    await session.ask("/enrol", { invitation, credential });
  };
  return element(
    "section",
    { class: "entrance", "aria-labelledby": "entrance-title" },
    element("h2", { id: "entrance-title" }, "Enrol an authenticator"),
    element(
      "p",
      {},
      "A security key, a phone or this computer: anything that checks who you are with a finger, a face or a PIN. " +
        "It will sign you in here, and sign what destroys something.",
    ),
    elsewhere(session, `#invitation=${invitation}`) ?? button("Enrol", "primary", act, status),
    element("p", { class: "quiet" }, "The invitation is good once, for 15 minutes."),
    status,
  );
}

/** Authenticators know names only: the way there, when this page was opened by another address. */
function elsewhere({ login }: Session, hash: string): HTMLElement | undefined {
  const { origin, name } = login;
  if (origin === null || name === null)
    return element(
      "p",
      { class: "bad" },
      "This mesh has no name for authenticators: start it with --http-name.",
    );
  if (location.hostname === name) {
    if (hasAuthenticators()) return undefined;
    return element("p", { class: "bad" }, "This browser has no authenticators here.");
  }
  const link = element(
    "a",
    { class: "button primary", href: `${origin}/${hash}` },
    `Go to ${name}`,
  );
  const why = `Authenticators are kept for the name ${name}; this page was opened as ${location.host}.`;
  return element("div", {}, element("p", { class: "quiet" }, why), link);
}

function breakGlassForm(session: Session, status: HTMLElement, isOpen: boolean): HTMLElement {
  const passphrase = element("input", {
    type: "password",
    autocomplete: "off",
    "aria-label": "passphrase",
  });
  const code = element("input", {
    type: "text",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: "6",
    "aria-label": "code",
  });
  const act = async (): Promise<void> => {
    await session.ask("/break-glass", { passphrase: passphrase.value, code: code.value });
  };
  const go = button("Break the glass", "danger", act, status);
  const form = element(
    "form",
    {},
    element("label", {}, element("span", { class: "quiet" }, "passphrase"), passphrase),
    element("label", {}, element("span", { class: "quiet" }, "code"), code),
    go,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  return element(
    "details",
    isOpen ? { open: "" } : {},
    element("summary", {}, "No authenticator at hand?"),
    element("p", { class: "quiet" }, "Break-glass may look and freeze, nothing else."),
    form,
  );
}

function statusLine(): HTMLElement {
  return element("p", { class: "bad", role: "alert" });
}

/** A button that does something and then opens the page anew, as whoever they then are. */
function button(
  words: string,
  tone: string,
  act: () => Promise<void>,
  status: HTMLElement,
): HTMLButtonElement {
  const made = element("button", { type: "button", class: tone }, words);
  made.onclick = async () => {
    made.disabled = true;
    status.textContent = "";
    try {
      await act();
      location.reload();
    } catch (error) {
      status.textContent = whyNot(error);
      made.disabled = false;
      made.focus();
    }
  };
  return made;
}

/** The button in the bar: who is logged in, or how to be. `hasOperators`: this mesh has the command. */
export function openAccount(session: Session, hasOperators: boolean): void {
  const account = byId<HTMLButtonElement>("account");
  const { session: own, isEnrolled } = session.login;
  const isFirst = own === null && !isEnrolled && hasOperators && session.may("operators", "admin");
  account.hidden = own === null && !isEnrolled && !isFirst;
  if (own !== null) {
    account.textContent = own.who;
    account.title = `${own.who}, ${own.role}`;
    account.onclick = () => askAccount(session, hasOperators);
  } else if (isFirst) {
    account.textContent = "Operators…";
    account.onclick = () => askInvitation(session);
  } else {
    account.textContent = "Sign in";
    account.onclick = () => showEntrance(session);
  }
}

function askAccount(session: Session, hasOperators: boolean): void {
  const { session: own, nowMs } = session.login;
  if (own === null) return;
  const invite = element("button", { type: "button", id: "invite" }, "Invite an operator…");
  invite.onclick = () => {
    byId<HTMLDialogElement>("dialog").close();
    askInvitation(session);
  };
  const canInvite = hasOperators && session.may("operators", "admin");
  const minutes = Math.max(0, Math.round((own.untilMs - nowMs) / 60_000));
  ask({
    title: `Signed in as ${own.who}`,
    confirm: "Sign out",
    body: [
      element(
        "p",
        {},
        `Role: ${own.way === "break-glass" ? "look and freeze" : own.role}, by ${own.way}.`,
      ),
      element(
        "p",
        { class: "quiet" },
        `Unless you do something, this session ends in ${minutes} min.`,
      ),
      canInvite ? invite : undefined,
    ],
    act: async () => {
      await session.logout();
      location.reload();
      return "Signed out.";
    },
  });
}

/** Invites somebody; the first operator is whoever sits here, and goes on to enrol. */
function askInvitation(session: Session): void {
  const isFirst = !session.login.isEnrolled;
  const name = element("input", {
    type: "text",
    "aria-label": "name",
    spellcheck: "false",
    autocapitalize: "none",
    value: isFirst ? "operator" : "",
  });
  const role = element(
    "select",
    { "aria-label": "role" },
    ...ROLES.map((each) => element("option", {}, each)),
  );
  role.value = isFirst ? "admin" : "operate";
  const body: Content[] = [
    element(
      "p",
      {},
      isFirst
        ? "Enrol your own authenticator first. From then on the URL that was printed only looks, and you sign in."
        : "They enrol an authenticator with a link that is good once, for 15 minutes.",
    ),
    labelled("name", name),
    labelled("role", role),
  ];
  ask({
    title: isFirst ? "Become the first operator" : "Invite an operator",
    confirm: isFirst ? "Go on" : "Invite",
    body,
    act: async () => {
      const args = { action: "invite", name: name.value.trim(), role: role.value };
      const { url, invitation } = (await session.run("operators", args)) as {
        readonly url: string | null;
        readonly invitation: string;
      };
      if (url === null) return `Its word is ${invitation}`;
      if (!isFirst) return url;
      location.assign(url);
      // On this very page only the hash is another, which opens nothing anew.
      if (new URL(url).origin === location.origin) location.reload();
      return "…";
    },
  });
}

function labelled(name: string, input: HTMLElement): HTMLElement {
  return element("label", {}, element("span", { class: "quiet" }, name), input);
}
