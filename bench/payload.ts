/**
 * The message that the benches send where a message has a body: what an agent would be told of a task, 256
 * bytes as msgpack. It is made anew for each send, as a program would, and its number proves it.
 */
export interface TaskMessage {
  readonly number: number;
  readonly operation: string;
  readonly confidence: number;
  readonly arriveAtMs: number;
  readonly capabilities: readonly string[];
  readonly parameters: { readonly region: string; readonly limit: number; readonly text: string };
}

/** Bytes of a task message as msgpack with plain maps. */
export const TASK_MESSAGE_BYTES = 256;
/** Numbers count from here, so that each takes the same five bytes. */
export const FIRST_TASK_NUMBER = 100_000;

export function taskMessage(number: number): TaskMessage {
  return {
    number,
    operation: "summarise",
    confidence: 0.875_5,
    arriveAtMs: 1_764_000_000_000.25,
    capabilities: ["summarise", "translate"],
    parameters: {
      region: "sector-7/cluster-4",
      limit: 12_000,
      text: "What was decided last week, by whom, and what is still open of it? No more than a page, ok?",
    },
  };
}
