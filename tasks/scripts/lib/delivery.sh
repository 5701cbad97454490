# A delivery in miniature: versions of the service are processes, a route is a file that names the
# one which gets the traffic, and the load client reads that file before every request. Replacing
# the file is what changing a service's selector is in a cluster. Everything that is started here
# is stopped at the end of the script, however it ends.

[ -x "$SAMPLE_API" ] || die "$SAMPLE_API is no program: build it first (cargo build --release)"
unset PORT APP_VERSION APP_REVISION APP_COLOUR ERROR_RATE ERROR_SEED LATENCY_MS READY_DELAY_MS STOP_TIMEOUT_MS
# Long enough for a client on a busy machine to go where it was sent before the route changed.
export DRAIN_MS=400
running=

fail() {
    verdict=no
    echo "failed: $*" >&2
    exit 1
}

finish() {
    # The second signal ends a process that would still wait for its drain.
    for pid_ in $running; do kill -TERM "$pid_" 2>/dev/null || true; done
    for pid_ in $running; do kill -TERM "$pid_" 2>/dev/null || true; done
    for pid_ in $running; do wait "$pid_" 2>/dev/null || true; done
}

forget() {
    kept_=
    for pid_ in $running; do [ "$pid_" = "$1" ] || kept_="$kept_ $pid_"; done
    running=$kept_
}

# start NAME FLAGS...: a process of the service on a free port; returns once it listens.
start() {
    name_=$1
    shift
    rm -f "$scratch/$name_.out"
    mkfifo "$scratch/$name_.out"
    "$SAMPLE_API" --port 0 "$@" >"$scratch/$name_.out" 2>"$scratch/$name_.log" &
    pid_=$!
    running="$running $pid_"
    echo "$pid_" >"$scratch/$name_.pid"
    line_=
    read -r line_ <"$scratch/$name_.out" || true
    case $line_ in
        'listening on http://'*) echo "${line_#listening on }" >"$scratch/$name_.url" ;;
        *) fail "$name_ does not start: $(cat "$scratch/$name_.log")" ;;
    esac
    say "started $name_ ($*) at $(url "$name_")"
}

url() { cat "$scratch/$1.url"; }

# stop NAME: asks the process to end and holds it to a clean end.
stop() {
    name_=$1
    pid_=$(cat "$scratch/$name_.pid")
    kill -TERM "$pid_"
    code_=0
    wait "$pid_" || code_=$?
    forget "$pid_"
    [ "$code_" -eq 0 ] || fail "$name_ ended with $code_: $(cat "$scratch/$name_.log")"
    say "stopped $name_"
}

probe() { "$SAMPLE_API" probe --interval 20ms "$@" >"$scratch/probe"; }

# ready NAME: waits until the health check of the process lets traffic in.
ready() { probe --url "$(url "$1")/health/ready" --timeout 10s || fail "$1 is not ready: $(cat "$scratch/probe")"; }

# route NAME PROCESS: from now on the traffic of the route goes to the process.
route() {
    echo "$(url "$2")/version" >"$scratch/$1.route.new"
    mv "$scratch/$1.route.new" "$scratch/$1.route"
    say "$1 leads to $2"
}

# serves ROUTE VERSION: every answer of the route comes from this version.
serves() {
    "$SAMPLE_API" load --url-file "$scratch/$1.route" --requests 40 --expect-version "$2=40" --max-error-rate 0 \
        >"$scratch/serves" || fail "$1 does not serve $2: $(cat "$scratch/serves")"
    say "$1 serves $2"
}

# load_begin ROUTE PROCESS FLAGS...: puts load on the route, which leads to the process, in the
# background; returns once the process has met some of it. No request of the load may fail.
load_begin() {
    route_=$1 process_=$2
    shift 2
    read -r before_ _ <<EOF
$(requests "$process_")
EOF
    "$SAMPLE_API" load --url-file "$scratch/$route_.route" --concurrency 4 --max-error-rate 0 "$@" \
        >"$scratch/load.json" 2>"$scratch/load.log" &
    load_pid=$!
    running="$running $load_pid"
    tries_=0
    while read -r met_ _ <<EOF && [ "$met_" -lt "$((before_ + 20))" ]; do
$(requests "$process_")
EOF
        tries_=$((tries_ + 1))
        [ "$tries_" -lt 500 ] || fail "the load does not reach $process_"
        sleep 0.02
    done
}

# load_end: waits for the load and fails where one of its requests did.
load_end() {
    code_=0
    wait "$load_pid" || code_=$?
    forget "$load_pid"
    [ "$code_" -eq 0 ] || fail "requests were lost: $(cat "$scratch/load.json" "$scratch/load.log")"
    say "no request was lost: $(cat "$scratch/load.json")"
}

# requests PROCESS: how many application requests it answered, and how many of them with 5xx, by
# its own metrics.
requests() {
    "$SAMPLE_API" get --url "$(url "$1")/metrics" | awk '
        /^http_requests_total\{/ && !/path="\/health/ && !/path="\/metrics"/ {
            all += $NF
            if (/status="5xx"/) failed += $NF
        }
        END { print all + 0, failed + 0 }'
}

# healthy PROCESS ALL FAILED: judges what the process answered since these counts: at least 95 % of
# it well. Nothing answered proves nothing.
healthy() {
    requests "$1" >"$scratch/now"
    awk -v all="$2" -v failed="$3" '{
        answered = $1 - all
        wrong = $2 - failed
        printf "analysis: %d of %d requests failed\n", wrong, answered
        exit !(answered > 0 && wrong / answered <= 0.05)
    }' "$scratch/now"
}

# canary STABLE PROCESS: moves the traffic by degrees and judges after each. Succeeds once the
# canary has it all; fails, with all traffic back at stable, as soon as the analysis does.
canary() {
    for weight in 10 25 50 75 100; do
        requests "$2" >"$scratch/before"
        read -r all_ failed_ <"$scratch/before"
        "$SAMPLE_API" load --url "$(url "$1")/version" --url "$(url "$2")/version" \
            --weights "$((100 - weight)),$weight" --requests 100 >"$scratch/split.json"
        say "weight $weight: $(cat "$scratch/split.json")"
        requests "$2" >"$scratch/after"
        read -r now_ _ <"$scratch/after"
        [ "$((now_ - all_))" -eq "$weight" ] || fail "weight $weight sent $((now_ - all_)) of 100 to the canary"
        if ! healthy "$2" "$all_" "$failed_"; then
            weight=0
            say "rolled back"
            return 1
        fi
    done
    say "promoted"
}

# result NAME: standard input becomes the result of a test, for reports.
result() {
    mkdir -p "$WORK/results"
    cat >"$scratch/result"
    put "$WORK/results/$1.json" "$scratch/result"
}
