// Counts what it is told; says what it has counted, and where.
export default {
  capabilities: ["count"],
  init: () => ({ total: 0 }),
  receive(state, message, ctx) {
    if (message?.ask !== undefined)
      return ctx.ask(message.ask, { add: 0 }).then((answer) => ({ state: 1, value: answer.value }));
    if (message?.tell !== undefined) ctx.tell(message.tell, { add: message.add });
    else state.total += message?.add ?? 0;
    return { state: 1, value: { total: state.total, pid: process.pid } };
  },
  snapshot: (state) => state.total,
  restore: (total) => ({ total }),
};
