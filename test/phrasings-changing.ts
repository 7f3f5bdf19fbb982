/** The part of test/phrasings.ts that changes the mesh; what is said there holds here. */
import type { Phrasing } from "./phrasings.ts";

/** Orders to change the mesh. */
export const CHANGING: readonly Phrasing[] = [
  ['tell agent 12 in cluster 7-4 "hello"', "tell sector-7/cluster-4/agent-12 hello"],
  [
    'send "reload config" to sector-1/cluster-1/agent-1',
    'tell sector-1/cluster-1/agent-1 "reload config"',
  ],
  ['message agent 5 of cluster 2-2: "wake up"', 'tell sector-2/cluster-2/agent-5 "wake up"'],
  [
    'let agent 9 in cluster 8 of sector 6 know that "the sensor was replaced"',
    'tell sector-6/cluster-8/agent-9 "the sensor was replaced"',
  ],
  ['send {"add": 1} to agent 1 in cluster 1-1', `tell sector-1/cluster-1/agent-1 '{"add": 1}'`],
  [
    'tell agent 12 in cluster 7-4 "stop logging" with critical priority',
    'tell sector-7/cluster-4/agent-12 "stop logging" --priority 3',
  ],
  [
    'send "ping" to agent 3 in cluster 4-4, ttl ten seconds',
    "tell sector-4/cluster-4/agent-3 ping --ttl 10s",
  ],

  [
    'ask agent 12 in cluster 7-4 "what is your state?"',
    'ask sector-7/cluster-4/agent-12 "what is your state?"',
  ],
  [
    `ask ten agents "what's your current context hash?"`,
    `ask --sample 10 "what's your current context hash?"`,
  ],
  [
    'ask 20 gpu agents "how much memory is free?"',
    'ask --sample 20 --select CLASS_D_GPU "how much memory is free?"',
  ],
  [
    'ask sector-1/cluster-1/agent-1 "hello" and wait two seconds',
    "ask sector-1/cluster-1/agent-1 hello --timeout 2s",
  ],
  [
    'ask 30 agents with the inference capability "are you warm?"',
    'ask --sample 30 --capability inference "are you warm?"',
    'ask --sample 30 --select inference "are you warm?"',
  ],
  [
    'ask five agents in sector 9 "what version are you on?"',
    'ask --sample 5 --select sector-9 "what version are you on?"',
  ],
  ['poll 100 agents: "what time is it?"', 'ask --sample 100 "what time is it?"'],

  [
    'broadcast "context update: market closed early today"',
    'broadcast "context update: market closed early today"',
  ],
  ['tell everyone "maintenance in ten minutes"', 'broadcast "maintenance in ten minutes"'],
  ['announce "new config" to sector 7', 'broadcast "new config" --select sector-7'],
  ['send "refresh caches" to all edge agents', 'broadcast "refresh caches" --select CLASS_A_EDGE'],
  [
    'broadcast "shutdown drill" to the raspberry pis with critical priority',
    'broadcast "shutdown drill" --select CLASS_E_LOCAL --priority 3',
  ],
  ['let all agents know "the market is closed"', 'broadcast "the market is closed"'],
  [
    'message every gpu agent: "driver update tonight"',
    'broadcast "driver update tonight" --select CLASS_D_GPU',
  ],
  ['send all agents the message "hello world"', 'broadcast "hello world"'],
  [
    'broadcast {"add": 1} to sector 7 and wait two seconds',
    `broadcast '{"add": 1}' --select sector-7 --timeout 2s`,
  ],
  [
    'notify everybody in sector nine: "switch to plan b"',
    'broadcast "switch to plan b" --select sector-9',
  ],

  ["scatter a sync over sector 7", "scatter --select sector-7"],
  ["have all gpu agents ready in half a second", 'scatter --at "in 500ms" --select CLASS_D_GPU'],
  ["scatter observe to everyone", "scatter observe"],
  [
    "scatter gather an observe across sector 4 with 90% quorum",
    "scatter observe --select sector-4 --quorum 90%",
  ],
  ["get sector 7 ready in 500 milliseconds", 'scatter --select sector-7 --at "in 500ms"'],
  [
    "scatter an act to cluster 7-4 in two seconds",
    'scatter act --select sector-7/cluster-4 --at "in 2s"',
  ],

  ["cascade a sync", "cascade"],
  ["run a cascade", "cascade"],
  ["start a wave cascade to sector 7", "cascade --strategy wave --select sector-7"],
  ["cascade observe in parallel", "cascade observe --strategy parallel"],
  ["do fifty cascades", "cascade --count 50"],
  ["run ten sync cascades priority first", "cascade sync --count 10 --strategy priority-first"],
  ["cascade act in 500ms", 'cascade act --at "in 500ms"'],
  [
    'cascade "market closed early" to sector 7 with a quorum of 90%',
    'cascade "market closed early" --select sector-7 --quorum 0.9',
  ],
  ["please cascade a decide to all gpu agents", "cascade decide --select CLASS_D_GPU"],
  ["sync the whole mesh", "cascade", "scatter"],

  [
    'delegate "analyze q3 financial data" to a gpu agent',
    'delegate "analyze q3 financial data" --to CLASS_D_GPU',
  ],
  ['give "summarize the logs" to whoever is fastest', 'delegate "summarize the logs"'],
  [
    'delegate "embed these documents" to the gpus, timeout one minute',
    'delegate "embed these documents" --to CLASS_D_GPU --timeout 1m',
  ],
  ['have someone do "resize the images"', 'delegate "resize the images"'],
  [
    'assign the task "count the birds" to a raspberry pi',
    'delegate "count the birds" --to CLASS_E_LOCAL',
  ],
  ['hand "review the contract" to a human', 'delegate "review the contract" --to CLASS_F_HUMAN'],
  [
    'delegate "render the map" to agent 12 in cluster 7-4',
    'delegate "render the map" --to sector-7/cluster-4/agent-12',
  ],

  ['pipe "a picture" through decode, rank', 'pipeline decode,rank "a picture"'],
  [
    'run {"id": 7} through decode then rank then agent 3 in cluster 1-1',
    `pipeline decode,rank,sector-1/cluster-1/agent-3 '{"id": 7}'`,
  ],
  [
    'pass "a photo" through the edge agents and then the gpus',
    'pipeline CLASS_A_EDGE,CLASS_D_GPU "a photo"',
  ],
  [
    'pipe "frame 9" through capture, detect and store with a timeout of 30 seconds',
    'pipeline capture,detect,store "frame 9" --timeout 30s',
  ],

  ["route around agent 12 in cluster 7-4", "route avoid sector-7/cluster-4/agent-12"],
  ["avoid sector 7", "route avoid sector-7"],
  ["keep traffic away from cluster 9-1", "route avoid sector-9/cluster-1"],
  ["stop sending work to sector-7/cluster-4/agent-19", "route avoid sector-7/cluster-4/agent-19"],
  [
    "route around the raspberry pis for inference",
    "route avoid CLASS_E_LOCAL --capability inference",
  ],
  ["bypass cluster 3 of sector 2", "route avoid sector-2/cluster-3"],
  [
    "steer clear of agent 1 in cluster 1-2 because it overheats",
    "route avoid sector-1/cluster-2/agent-1 …",
  ],
  ["allow traffic to sector 7 again", "route allow sector-7"],
  ["use agent 12 in cluster 7-4 again", "route allow sector-7/cluster-4/agent-12"],
  ["stop avoiding cluster 9-1", "route allow sector-9/cluster-1"],
  ["send work to the gpu agents again", "route allow CLASS_D_GPU"],

  ["trip the breaker for sector 7", "circuits trip sector-7"],
  ["open the circuit of cluster 7-4 because cooling failed", "circuits trip sector-7/cluster-4 …"],
  ["isolate sector 12", "circuits trip sector-12", "route avoid sector-12"],
  ["reset the breaker on sector 7", "circuits reset sector-7"],
  ["close cluster 7-4's breaker", "circuits reset sector-7/cluster-4"],
  ["trip the global breaker", "circuits trip orchestrator"],

  ["set the mode to degraded severe", "mode set DEGRADED_SEVERE"],
  ["switch to emergency mode", "mode set EMERGENCY"],
  ["go to full mode", "mode set FULL"],
  ["put the mesh into degraded light", "mode set DEGRADED_LIGHT"],
  ["let the mode follow the mesh again", "mode auto"],
  ["mode back to automatic", "mode auto"],

  ["restart agent 12 in cluster 7-4", "restart sector-7/cluster-4/agent-12"],
  ["reboot sector 7", "restart sector-7"],
  ["bounce cluster 9-1", "restart sector-9/cluster-1"],
  ["please restart sector-7/cluster-4/agent-12", "restart sector-7/cluster-4/agent-12"],
  ["could you restart cluster 3 in sector 5?", "restart sector-5/cluster-3"],
  ["restart all agents of sector twelve", "restart sector-12"],
  ["i need sector 44 restarted", "restart sector-44"],

  ["kill agent 12 in cluster 7-4", "kill sector-7/cluster-4/agent-12"],
  ["kill worker 1", "kill worker-1"],
  ["terminate sector-3/cluster-3/agent-3", "kill sector-3/cluster-3/agent-3"],
  ["kill the lead of cluster 7-4", "kill sector-7/cluster-4"],
  ["take out the coordinator of sector 9", "kill sector-9"],
  ["kill worker two", "kill worker-2"],

  ["heal everything", "heal"],
  ["fix sector 12", "heal sector-12"],
  ["repair cluster 7-4 please", "heal sector-7/cluster-4"],
  ["heal worker 2", "heal worker-2"],
  ["get sector 7 healthy again", "heal sector-7"],
  ["fix whatever is broken", "heal"],
  ["recover sector thirty", "heal sector-30"],
  ["run the recovery procedures", "heal"],

  ["freeze everything", "freeze"],
  ["freeze sector 7", "freeze sector-7"],
  ["pause cluster 9-1", "freeze sector-9/cluster-1"],
  ["halt all agents", "freeze"],
  ["suspend agent 12 in cluster 7-4", "freeze sector-7/cluster-4/agent-12"],
  ["emergency stop", "freeze"],
  ["freeze the mesh to backup.mesh", "freeze --to backup.mesh"],
  ["put sector 7 on ice", "freeze sector-7"],

  ["thaw the mesh", "thaw"],
  ["unfreeze everything", "thaw"],
  ["resume sector 7", "thaw sector-7"],
  ["let cluster 9-1 go on", "thaw sector-9/cluster-1"],
  ["unpause agent 12 in cluster 7-4", "thaw sector-7/cluster-4/agent-12"],
  ["get all agents going again", "thaw"],

  ["replay dead letter 17", "dead-letters replay 17"],
  ["resend dead letter number 4", "dead-letters replay 4"],
  ["try delivering dead letter 9 again", "dead-letters replay 9"],

  ["resolve conflict-hogw9h0rah6a4ab1", "conflicts resolve conflict-hogw9h0rah6a4ab1"],
  [
    'resolve conflict-hogw9h0rah6a4ab1, outcome "sensor replaced"',
    'conflicts resolve conflict-hogw9h0rah6a4ab1 --outcome "sensor replaced"',
  ],

  [
    "release conflict-hogw9h0rah6a4ab1 from quarantine",
    "quarantine release conflict-hogw9h0rah6a4ab1",
  ],
  [
    "throw away the quarantined data of conflict-hogw9h0rah6a4ab1",
    "quarantine discard conflict-hogw9h0rah6a4ab1",
  ],
  [
    "let conflict-hogw9h0rah6a4ab1 out of quarantine",
    "quarantine release conflict-hogw9h0rah6a4ab1",
  ],

  ["approve review-conflict-hogw9h0rah6a4ab1", "inbox approve review-conflict-hogw9h0rah6a4ab1"],
  [
    "deny review-conflict-hogw9h0rah6a4ab1 because 'not plausible'",
    "inbox deny review-conflict-hogw9h0rah6a4ab1 …",
  ],
  ["reject review-conflict-hogw9h0rah6a4ab1", "inbox deny review-conflict-hogw9h0rah6a4ab1"],
  [
    'comment on review-conflict-hogw9h0rah6a4ab1 "waiting for the vendor"',
    'inbox comment review-conflict-hogw9h0rah6a4ab1 --comment "waiting for the vendor"',
  ],

  ["undo", "undo"],
  ["take that back", "undo"],
  ["revert the last change", "undo"],
  ["oops, undo that", "undo"],
  ["roll back my last change", "undo"],

  ["make a backup", "backup"],
  ["back up the mesh now", "backup"],
  ["take a backup to /mnt/disk/mesh", "backup --to /mnt/disk/mesh"],
];
