/**
 * A reference to an actor: its 32-bit index in the topology, typed by the messages it takes and the answers
 * it gives. Refs are plain numbers so that they cost nothing to keep, to compare and to send.
 */
export type ActorRef<Message = unknown, Answer = unknown> = number & ActorTypes<Message, Answer>;

/** Exists only for the type checker. */
interface ActorTypes<Message, Answer> {
  // A method, so that a ref of known messages fits where any ref is taken.
  __types?(message: Message): Answer;
}

/** Whatever names an actor: a ref, or its address such as `sector-7/cluster-4/agent-12`. */
export type Target<Message = unknown, Answer = unknown> = ActorRef<Message, Answer> | string;
