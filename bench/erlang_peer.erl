%% The questions of the benches, asked of Erlang. Compiled and run by peer-erlang.ts:
%%   erl -noshell -pa DIRECTORY -run erlang_peer main QUESTION SIZE...
%% Prints one line a metric, `NAME VALUE`. Proves its answers by matching: a wrong one is a crash, and a
%% crash is a failed bench.
-module(erlang_peer).
-export([main/1]).
-behaviour(gen_server). % and a supervisor: see init/1
-export([init/1, start_agent/2, handle_call/3, handle_cast/2]).

-define(WINDOW, 16384).

main([Question | Sizes]) ->
    logger:set_primary_config(level, none),
    try ask(Question, [list_to_integer(Size) || Size <- Sizes]) of
        Metrics ->
            [io:format("~s ~.3f~n", [Name, Value * 1.0]) || {Name, Value} <- Metrics],
            halt(0)
    catch
        Class:Reason:Stack ->
            io:format(standard_error, "~p: ~p~n~p~n", [Class, Reason, Stack]),
            halt(1)
    end.

ask("heartbeat", [ClusterSize, Warm, Measured]) -> heartbeat(ClusterSize, Warm, Measured);
ask("tell", [Warm, Measured]) -> tell(Warm, Measured);
ask("ask", [One, Many, Outstanding]) -> ask_cross(One, Many, Outstanding);
ask("ask.local", [One]) -> one_at_a_time(One);
ask("tree", [Sectors, Clusters, Agents, Rounds]) -> tree(Sectors, Clusters, Agents, Rounds);
ask("spawn", [Small, Large]) -> spawned("30k", Small) ++ spawned("1M", Large);
ask("restart", [Clusters, AgentsPerCluster]) -> restart(Clusters, AgentsPerCluster).

per_second(Count, Nanoseconds) -> Count * 1.0e9 / Nanoseconds.

now_ns() -> erlang:monotonic_time(nanosecond).

percentile(Sorted, Share) -> lists:nth(max(1, ceil(Share * length(Sorted))), Sorted).

%% --- a producer and a consumer: what is on its way is bounded, since a mailbox is not ---

%% Send(I, Consumer) sends message I; Take(I, State) receives and proves it.
throughput(Warm, Measured, Send, Take, State) ->
    Main = self(),
    Producer = spawn_link(fun() ->
        receive {start, Consumer} -> produce(0, Warm + Measured, 2 * ?WINDOW, Send, Consumer) end
    end),
    Consumer = spawn_link(fun() ->
        Warmed = consume(0, Warm, Producer, Take, State),
        Start = now_ns(),
        Last = consume(Warm, Warm + Measured, Producer, Take, Warmed),
        Main ! {measured, now_ns() - Start, Last}
    end),
    Producer ! {start, Consumer},
    receive {measured, Nanoseconds, Last} -> {per_second(Measured, Nanoseconds), Last} end.

produce(Total, Total, _, _, _) -> ok;
produce(I, Total, 0, Send, Consumer) ->
    receive go -> produce(I, Total, ?WINDOW, Send, Consumer) end;
produce(I, Total, Credit, Send, Consumer) ->
    Send(I, Consumer),
    produce(I + 1, Total, Credit - 1, Send, Consumer).

consume(Total, Total, _, _, State) -> State;
consume(I, Total, Producer, Take, State) ->
    Next = Take(I, State),
    case (I + 1) rem ?WINDOW of
        0 -> Producer ! go;
        _ -> ok
    end,
    consume(I + 1, Total, Producer, Take, Next).

%% --- heartbeats: one a message, and a cluster's rows in one binary; a lead folds a cluster's rows ---

heartbeat(ClusterSize, Warm, Measured) ->
    Single = throughput(
        Warm, Measured,
        fun(I, Lead) ->
            Lead ! {heartbeat, I rem ClusterSize, 1.0 + I rem 128, 4.0, 0.0, 255}
        end,
        fun(I, Fold) ->
            Agent = I rem ClusterSize,
            receive {heartbeat, Agent, Latency, Processing, Queued, _} ->
                note(Agent, ClusterSize, Latency + Processing + Queued, Fold)
            end
        end,
        {0, 0.0, 0.0, 0}),
    {SinglePerSecond, {_, _, _, SingleClusters}} = Single,
    SingleClusters = (Warm + Measured) div ClusterSize,
    Clusters = {Warm div ClusterSize, Measured div ClusterSize},
    Batched = throughput(
        element(1, Clusters), element(2, Clusters),
        fun(I, Lead) ->
            Latency = 1.0 + I rem 128,
            Rows = << <<Latency:32/float, 4.0:32/float, 0.0:32/float, 255:32>>
                      || _ <- lists:seq(1, ClusterSize) >>,
            Lead ! {heartbeats, I, Rows}
        end,
        fun(I, Fold) ->
            receive {heartbeats, I, Rows} -> note_rows(0, ClusterSize, Rows, Fold) end
        end,
        {0, 0.0, 0.0, 0}),
    {ClustersPerSecond, {_, _, _, Noted}} = Batched,
    Noted = element(1, Clusters) + element(2, Clusters),
    [{"perSecond", ClustersPerSecond * ClusterSize}, {"perSecond.single", SinglePerSecond}].

note_rows(_, _, <<>>, Fold) -> Fold;
note_rows(Agent, Size, <<L:32/float, P:32/float, Q:32/float, _:32, Rest/binary>>, Fold) ->
    note_rows(Agent + 1, Size, Rest, note(Agent, Size, L + P + Q, Fold)).

%% {Count, Sum, Max, Clusters}
note(Agent, Size, Score, {Count, Sum, Max, Clusters}) when Agent =:= Size - 1 ->
    Count = Size - 1,
    Mean = (Sum + Score) / Size,
    true = Mean =< max(Max, Score),
    {0, 0.0, 0.0, Clusters + 1};
note(_, _, Score, {Count, Sum, Max, Clusters}) ->
    {Count + 1, Sum + Score, max(Max, Score), Clusters}.

%% --- tell: the message of payload.ts ---

tell(Warm, Measured) ->
    %% A literal would be sent without being copied; a message of real life is made while running.
    Task = binary_to_term(term_to_binary(task())),
    {PerSecond, done} = throughput(
        Warm, Measured,
        fun(I, Consumer) -> Consumer ! {task, Task#{number := I}} end,
        fun(I, done) -> receive {task, #{number := I}} -> done end end,
        done),
    [{"perSecond", PerSecond}].

task() ->
    #{number => 0, operation => <<"summarise">>, confidence => 0.8755,
      arrive_at_ms => 1764000000000.25,
      capabilities => [<<"summarise">>, <<"translate">>],
      parameters => #{region => <<"sector-7/cluster-4">>, limit => 12000,
                      text => <<"What was decided last week, by whom, and what is still open of it? "
                                "No more than a page, ok?">>}}.

%% --- ask: a call by hand, which is what gen_server:call does less its monitor ---

server() ->
    receive {call, From, Ref, I} -> From ! {Ref, I + 1}, server() end.

call(Server, I) ->
    Ref = make_ref(),
    Server ! {call, self(), Ref, I},
    Expected = I + 1,
    receive {Ref, Expected} -> ok end.

ask_cross(One, Many, Outstanding) ->
    Server = spawn_link(fun server/0),
    Main = self(),
    Each = Many div Outstanding,
    Askers = [spawn_link(fun() ->
        receive start -> ok end,
        [call(Server, I) || I <- lists:seq(1, Each)],
        Main ! done
    end) || _ <- lists:seq(1, Outstanding)],
    Start = now_ns(),
    [Asker ! start || Asker <- Askers],
    [receive done -> ok end || _ <- Askers],
    PerSecond = per_second(Each * Outstanding, now_ns() - Start),
    one_at_a_time(One) ++ [{"perSecond.1000", PerSecond}].

one_at_a_time(One) ->
    Server = spawn_link(fun server/0),
    [call(Server, I) || I <- lists:seq(1, One div 10)],
    Times = lists:sort([timed(fun() -> call(Server, I) end) || I <- lists:seq(1, One)]),
    [{"one.p50", percentile(Times, 0.5) / 1.0e3}, {"one.p99", percentile(Times, 0.99) / 1.0e3}].

timed(Work) ->
    Start = now_ns(),
    Work(),
    now_ns() - Start.

%% --- tree: one message down to every agent, acknowledgements counted on the way up ---

tree(Sectors, Clusters, Agents, Rounds) ->
    Main = self(),
    Total = Sectors * Clusters * Agents,
    Top = [spawn_link(fun() -> branch(Main, [Clusters, Agents]) end) || _ <- lists:seq(1, Sectors)],
    [round_trip(Top, Total, I) || I <- lists:seq(1, 5)],
    Times = lists:sort([timed(fun() -> round_trip(Top, Total, I) end)
                        || I <- lists:seq(6, Rounds + 5)]),
    [Branch ! {seen, Rounds + 5} || Branch <- Top],
    Total = lists:sum([receive {acks, seen, Count} -> Count end || _ <- Top]),
    [{"p50", percentile(Times, 0.5) / 1.0e6}, {"p99", percentile(Times, 0.99) / 1.0e6}].

round_trip(Top, Total, I) ->
    [Branch ! {operation, I} || Branch <- Top],
    Total = lists:sum([receive {acks, I, Count} -> Count end || _ <- Top]),
    ok.

%% A coordinator or a lead: passes on what comes from above, and adds up what comes from below.
branch(Parent, [Leaves]) ->
    Self = self(),
    gather(Parent, [spawn_link(fun() -> agent(Self, 0) end) || _ <- lists:seq(1, Leaves)]);
branch(Parent, [Children | Below]) ->
    Self = self(),
    gather(Parent, [spawn_link(fun() -> branch(Self, Below) end) || _ <- lists:seq(1, Children)]).

gather(Parent, Children) ->
    receive
        {operation, I} = Message -> down(Children, Message), up(Parent, Children, I);
        {seen, _} = Message -> down(Children, Message), up(Parent, Children, seen)
    end,
    gather(Parent, Children).

down(Children, Message) -> [Child ! Message || Child <- Children].

up(Parent, Children, I) ->
    Parent ! {acks, I, lists:sum([receive {acks, I, Count} -> Count end || _ <- Children])}.

agent(Lead, Seen) ->
    receive
        {operation, I} -> Lead ! {acks, I, 1}, agent(Lead, Seen + 1);
        {seen, Seen} -> Lead ! {acks, seen, 1}, agent(Lead, Seen)
    end.

%% --- spawn: until each has said that it is there ---

spawned(Name, Count) ->
    erlang:garbage_collect(),
    Before = erlang:memory(total),
    Main = self(),
    Start = now_ns(),
    Pids = [spawn(fun() -> Main ! here, receive stop -> Main ! gone end end)
            || _ <- lists:seq(1, Count)],
    [receive here -> ok end || _ <- Pids],
    Nanoseconds = now_ns() - Start,
    erlang:garbage_collect(),
    Bytes = (erlang:memory(total) - Before) / Count,
    [Pid ! stop || Pid <- Pids],
    [receive gone -> ok end || _ <- Pids],
    [{"ms." ++ Name, Nanoseconds / 1.0e6}, {"bytes." ++ Name, Bytes}].

%% --- restart: a supervisor a cluster; the first agent of each crashes ---

restart(Clusters, AgentsPerCluster) ->
    register(bench, self()),
    Supervisors = [begin
        {ok, Pid} = supervisor:start_link(?MODULE, {cluster, Cluster, AgentsPerCluster}),
        Pid
    end || Cluster <- lists:seq(1, Clusters)],
    Up = [receive {up, Cluster, Agent, Pid} -> {Cluster, Agent, Pid} end
          || Cluster <- lists:seq(1, Clusters), Agent <- lists:seq(1, AgentsPerCluster)],
    Victims = [Pid || {_, 1, Pid} <- Up],
    Clusters = length(Victims),
    Start = now_ns(),
    [gen_server:cast(Pid, crash) || Pid <- Victims],
    Back = [receive {up, _, 1, Pid} -> 1 = gen_server:call(Pid, which), Pid end || _ <- Victims],
    Nanoseconds = now_ns() - Start,
    Clusters = length(lists:usort(Back)),
    Clusters = length(Supervisors),
    [{"ms", Nanoseconds / 1.0e6}].

init({cluster, Cluster, Agents}) ->
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10},
          [#{id => Agent, start => {?MODULE, start_agent, [Cluster, Agent]}}
           || Agent <- lists:seq(1, Agents)]}};
init({agent, Cluster, Agent}) ->
    bench ! {up, Cluster, Agent, self()},
    {ok, Agent}.

start_agent(Cluster, Agent) -> gen_server:start_link(?MODULE, {agent, Cluster, Agent}, []).

handle_call(which, _, Agent) -> {reply, Agent, Agent}.

handle_cast(crash, _) -> exit(crashed).
