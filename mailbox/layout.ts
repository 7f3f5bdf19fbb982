/**
 * Every word of memory that threads share is named here, under its picture. All memory is made by the main
 * thread; sizes are in bytes unless a name says words or cells. Numbers are little-endian, which both
 * platforms that the runtime supports (x64, arm64) are.
 *
 * No two threads write the same cache line: a writer's words fill a line of their own, and a line is 128
 * bytes because x64 prefetches 64-byte lines in pairs and some arm64 cores have 128-byte ones.
 */

/** Words in a cell: rings and slots are counted in cells of 64 bytes, the size of a frame header. */
export const CELL_WORDS = 16;
export const CELL_BYTES = 64;

/*
 * A ring (one producer thread, one consumer thread)
 *
 *   word 0               32           64            96
 *        ├─ producer ────┼─ consumer ─┼─ consumer ──┼─ cells … ─┤
 *         TAIL            HEAD         ACCEPTED
 *         NEXT_TAIL       SEEN_… f64
 *         NEXT_CYCLE f64
 *         WANTS_ROOM
 *
 * TAIL, HEAD, ACCEPTED and NEXT_TAIL count cells since the ring was made, modulo 2^32: their difference is
 * what matters, their remainder by the capacity is the place. ACCEPTED is written for each frame and read by
 * a successor only, so it is not where the producer looks for room.
 */
/** Cells published: everything below may be read. */
export const RING_TAIL = 0;
/** What TAIL will be when the cycle NEXT_CYCLE is committed; lets a successor finish a dead producer's commit. */
export const RING_NEXT_TAIL = 1;
/** Index in Float64 units of the cycle that NEXT_TAIL belongs to. */
export const RING_NEXT_CYCLE_F64 = 1;
/** 1 while the producer waits for room: the consumer sets it back and rings when half of the ring is free. */
export const RING_WANTS_ROOM = 4;
/** Cells given back: everything below may be overwritten. */
export const RING_HEAD = 32;
/** Float64 index: epoch of the last signed batch that was taken, for a successor of the consumer; 0 for none. */
export const RING_SEEN_EPOCH_F64 = 17;
/** Float64 index: its sequence. */
export const RING_SEEN_SEQUENCE_F64 = 18;
/** Cells that the consumer has taken over into its custody; runs ahead of HEAD within one drain. */
export const RING_ACCEPTED = 64;
export const RING_CELLS = 96;

/*
 * The control block of a thread
 *
 *   word 0            32                    64             96                128            160
 *        ├─ anyone ───┼─ its own thread ────┼─ main only ──────┼─ counts, even ─┼─ counts, odd ─┤
 *         PARKED       STATE EPOCH TURNS …   COMMAND FREEZE …   f64              f64
 */
export const CONTROL_WORDS = 160;
/** 1 while the thread sleeps or is about to; whoever sets it back to 0 must notify. */
export const CONTROL_PARKED = 0;
/** A {@link ThreadState}. */
export const CONTROL_STATE = 32;
/** Incarnation of the thread, from 1. A frame or slot of an older one is history, not work. */
export const CONTROL_EPOCH = 33;
/** Turns begun, modulo 2^32. */
export const CONTROL_TURNS = 34;
/** Index + 1 of the agent whose turn or `init` runs synchronously now; 0 in between. */
export const CONTROL_CURRENT = 35;
/** Slot (word offset) of the message of that turn, or whose failure led to that `init`; 0 if none. */
export const CONTROL_CURRENT_SLOT = 36;
/** Agents made ready since this incarnation of the thread began. */
export const CONTROL_BOOTED = 37;
/** Duty cycles begun, modulo 2^32: with TURNS it tells the watchdog whether the thread moves. */
export const CONTROL_CYCLES = 38;
/** Index + 1 of the agent whose suspended turn was last resumed by an answer or a timer. */
export const CONTROL_RESUMED = 39;
/** The freeze (its number) at which the thread stands still; 0 while it goes. */
export const CONTROL_FROZEN = 44;
/**
 * The same once nothing is on its lanes any more; negative when something is for which there is no custody; 0 before.
 */
export const CONTROL_QUIET = 45;
/** Timers and spawned children that a thread which stands still could not keep a copy of, so no cut has them. */
export const CONTROL_UNKEPT = 46;
/** Float64 index, within the control block, of the last committed cycle. */
export const CONTROL_COMMITTED_F64 = 20;
/** Float64 index: when the current turn or cycle began, ms of the mesh clock. */
export const CONTROL_SINCE_F64 = 21;
/**
 * Float64 index: the thread's Lamport clock as of its last commit. Written before the commit's frames are visible, so
 * whoever reads them finds at least the stamps that they were sent under.
 */
export const CONTROL_LAMPORT_F64 = 24;
/** What the platform calls the thread (`threadId`), from its start on; 0 before. */
export const CONTROL_THREAD_ID = 47;
/** What main asks of the thread: a {@link Command}. */
export const CONTROL_COMMAND = 64;
/** Number of the freeze that COMMAND speaks of, from 1. */
export const CONTROL_FREEZE = 65;
/** Float64 index: how long the mesh stood still, ms; written before COMMAND says to go again. */
export const CONTROL_STOOD_F64 = 33;
/** Float64 index of the counts of even cycles; those of odd ones stand {@link COUNTS_STRIDE} further. */
export const CONTROL_COUNTS_F64 = 48;
export const COUNTS_STRIDE = 16;

export const ThreadState = { STARTING: 0, RUNNING: 1, STOPPING: 2, STOPPED: 3, LOST: 4 } as const;
export const Command = { RUN: 0, FREEZE: 1, STOP: 2 } as const;

/**
 * Counts of a thread since the mesh started, across its incarnations. They are written to the side that the
 * committed cycle's parity does not name, so that the commit switches to them in one store. The law of
 * conservation: accepted = handled + expired + deadLettered + inFlight.
 */
export const Count = {
  /** Messages taken into custody. */
  ACCEPTED: 0,
  /** Messages whose turn ended: READY, CONFLICT or failed. */
  HANDLED: 1,
  EXPIRED: 2,
  DEAD_LETTERED: 3,
  /** Messages in custody now. */
  IN_FLIGHT: 4,
  /** Messages sent: put on a lane, or into this thread's own custody. */
  SENT: 5,
  HEARTBEATS: 6,
  /** Agents restarted. */
  RESTARTS: 7,
  /** Frames refused because they made no sense, and batches that are missing. */
  CORRUPT: 8,
  /** Messages delivered again after the death of the thread. */
  REDELIVERED: 9,
  /** Turns that ended in CONFLICT. */
  CONFLICTS: 10,
  /** Rank that the next accepted message gets: what a dead thread accepted after its last commit has a higher one. */
  NEXT_RANK: 11,
  /** Messages refused under overload, by priority 0 to 2. */
  SHED: 12,
} as const;
export const COUNT_COUNT = 15;

/*
 * Custody of a thread: the messages that it has accepted and not finished, its agents' checkpoints, and
 * the payloads that it holds once for many targets.
 *
 *   word 0           CHUNKS_AT              first chunk, on a multiple of 256 KiB
 *        ├─ spare ───┼─ class of chunk 0… ──┼─ chunk 0 (256 KiB) ─┼─ chunk 1 …
 *
 * A chunk holds slots of one size class (128 B · 2^class); its word in the table is its class + 1, or 12
 * more when it belongs to the reserve of what is urgent, and 0 when it is nobody's. A slot:
 *
 *   word 0      2      3        4      5          6       7     8       10          16
 *        ├ STAMP┼ NEXT ┼ DEATHS ┼ LANE ┼ POSITION ┼ OWNER ┼ AUX ┼ ORDER ┼ spare ────┼ frame: header, payload
 *          f64                                                    f64
 */
export const CUSTODY_CHUNK_BYTES: number = 256 * 1024;
export const CUSTODY_CHUNKS_AT = 32;
/** Smallest slot: its own header and a frame header. */
export const CUSTODY_MIN_SLOT_BYTES = 128;

/**
 * Float64 index in the slot: cycle · 8 + {@link SlotState}, so that one store changes both. A state of a
 * cycle that was never committed did not happen (see `custody.ts`); cycle 0 always counts as committed.
 */
export const SLOT_STAMP_F64 = 0;
/** Next free slot of the class; meaningless while the slot is in use. */
export const SLOT_NEXT = 2;
/** How many threads died while this message ran. */
export const SLOT_DEATHS = 3;
/** The incoming lane that brought the frame, −1 when it was sent on this thread. */
export const SLOT_LANE = 4;
/** End of the frame in that lane, in cells. */
export const SLOT_POSITION = 5;
/** Index of the agent that owns a checkpoint; of the target of a message. */
export const SLOT_OWNER = 6;
/** A payload: references to it. An operation: word, within the slot, of its bitmaps. A checkpoint: its bytes. */
export const SLOT_AUX = 7;
/** Float64 index in the slot: rank in the order of acceptance. */
export const SLOT_ORDER_F64 = 4;
export const SLOT_FRAME = 16;
export const SLOT_HEADER_BYTES = 64;

export const SlotState = {
  FREE: 0,
  /** A message that waits, or runs: what runs is QUEUED until its turn's cycle is committed. */
  QUEUED: 1,
  /** A message whose turn has ended. */
  DONE: 2,
  /** An agent's snapshot. */
  CHECKPOINT: 3,
  /** A payload for many targets. */
  PAYLOAD: 4,
  /** What an agent has besides, kept while the mesh stands still: see `belonging.ts`. */
  BELONGING: 5,
  /** A message that a turn which has ended has sent, and that waits here for room. */
  OUTGOING: 6,
  /** An outgoing message that has found it. */
  GONE: 7,
} as const;

/*
 * The journal of a mesh: what its writer shares with all threads, then a ring from each thread to the writer
 *
 *   word 0          32                              64
 *        ├ PARKED … ┼ STATE  ERRNO  BATCHES … ──────┼ ring of thread 0 ┼ ring of thread 1 ┼ …
 *         anyone      the writer only
 *
 * PARKED stands where the doorbell of a control block looks for it. A ring's HEAD is how far its entries are
 * on disk: the writer gives nothing back before that.
 */
/** What main asks of the writer: a {@link Command}. */
export const JOURNAL_COMMAND = 1;
/** A {@link JournalState}. */
export const JOURNAL_STATE = 32;
/** While FAILING: the error of the system, as a positive number. */
export const JOURNAL_ERRNO = 33;
/** Batches on disk since the writer began, modulo 2^32. */
export const JOURNAL_BATCHES = 34;
/** Bytes of all segments, in KiB. */
export const JOURNAL_KIB = 35;
export const JOURNAL_CONTROL_WORDS = 64;

export const JournalState = {
  STARTING: 0,
  RUNNING: 1,
  /** Nothing can be written now; what is handed over waits in the rings, and the writer tries again. */
  FAILING: 2,
  STOPPED: 3,
} as const;
