/** One question before something is done: what it will do, and then a yes. */
import { byId, type Content, fill } from "./dom.ts";

/** What is asked. */
export interface Question {
  readonly title: string;
  readonly confirm: string;
  /** It cannot be taken back, or it stops the mesh. */
  readonly danger?: boolean;
  readonly body: readonly Content[];
  /** The page itself shows what comes of it: the question goes away at once, and comes back if it fails. */
  readonly isSeen?: boolean;
  /** Does it; what it gives is shown in place of the question. */
  readonly act: () => Promise<string>;
}

/** Asks, and does it on a yes; one question at a time. */
export function ask({ title, confirm, danger = false, isSeen = false, body, act }: Question): void {
  const dialog = byId<HTMLDialogElement>("dialog");
  const button = byId<HTMLButtonElement>("dialog-confirm");
  const cancel = byId("dialog-cancel");
  byId("dialog-title").textContent = title;
  byId("dialog-body").replaceChildren(...body.filter((part) => part !== undefined));
  button.textContent = confirm;
  button.className = danger ? "danger" : "primary";
  button.hidden = false;
  button.disabled = false;
  cancel.textContent = "Cancel";
  button.onclick = async () => {
    button.disabled = true;
    if (isSeen) dialog.close();
    try {
      say(await act(), "mono");
      if (isSeen) return;
    } catch (error) {
      say((error as Error).message, "bad");
      if (isSeen && !dialog.open) dialog.showModal();
    }
    button.hidden = true;
    cancel.textContent = "Close";
    cancel.focus();
  };
  dialog.showModal();
  // The way out first: nothing is done by a key that was meant for something else.
  cancel.focus();
}

function say(sentence: string, tone: string): void {
  const line = document.createElement("p");
  line.className = tone;
  line.setAttribute("role", "status");
  line.textContent = sentence;
  fill(byId("dialog-body"), line);
}
