/** The task that piscina runs: the answer to an ask is its number plus one, to a task message its number. */
export default function answer(message: number | { readonly number: number }): number {
  return typeof message === "number" ? message + 1 : message.number;
}
