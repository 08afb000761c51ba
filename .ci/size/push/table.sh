# The push transports: what each technique takes of flash, and of RAM on the same machine. Part of `run`, which has the rest.
#
# Of an image, HTTP is what `push-http` takes, or `push-frames` with a WebSocket above it; ring, hub and sessions what `push-hub`
# takes beside `push-http`; and the technique is the rest. Images are linked each for itself, so a part that is measured as
# a difference is a few bytes off. All with the feature `small`.

# image, what it stands on (http, frames, or - for nothing), at most so many bytes, name
PUSH_IMAGES="
short-polling http 16850 short polling
long-polling http 17950 long polling
sse http 17900 SSE
xhr http 17400 XHR streaming
html http 17800 HTML streaming
multipart http 17500 multipart
jsonp http 17000 JSONP
upstream http 16400 upstream (POST)
websocket frames 23350 WebSocket
flash - 1325 Flash's policy file
event-stream - 3425 client of SSE
all frames 34700 all together
served http 33200 all of them, served
"
readonly PUSH_HTTP_MAX=9200 PUSH_FRAMES_MAX=15400 PUSH_HUB_MAX=4900
# state, at most so many bytes; in the image `push-states` each has a section of its own
PUSH_STATES="
EventRing 40
Session 88
Sessions-4 388
Hub-4 428
Stream-Sse 108
Stream-XhrStream 100
Stream-HtmlStream 168
Stream-Multipart 100
Stream-AnyFormat 172
PollBody 180
LongPoll 16
Upstream 24
AckBody 76
WebSocketStream 96
Connection 228
Exchange 120
Chunks 8
EventStream 272
PolicyRequest 1
PolicyFile 20
Images 68
Endpoint 56
Visit 216
Listener 24
Budget-12 104
"

push_row() {
  printf '| %-20s | %6s | %15s | %23s | %9s | %7s |\n' "$@"
}

push_tables() {
  local http frames hub image base max name all under shared bytes
  build push --features small
  http=$(bytes_of push-http) frames=$(bytes_of push-frames)
  hub=$(($(bytes_of push-hub) - http))
  echo
  push_row "push technique" "in all" "HTTP, WebSocket" "ring, hub and sessions" technique "at most"
  push_row --- ---: ---: ---: ---: ---:
  while read -r image base max name; do
    all=$(bytes_of "push-$image") under=0 shared=0
    case $base in
      http) under=$http shared=$hub ;;
      frames) under=$frames shared=$hub ;;
    esac
    push_row "$name" "$all" "$under" "$shared" "$((all - under - shared))" "$max"
    # Where a part is nothing, the image is not what it is said to be.
    if [ "$((all - under - shared))" -lt 200 ]; then all=0; fi
    check "push: $name" "$all" "$max"
  done <<<"$(grep . <<<"$PUSH_IMAGES")"
  check "push: HTTP" "$http" "$PUSH_HTTP_MAX"
  check "push: HTTP and frames" "$frames" "$PUSH_FRAMES_MAX"
  check "push: ring, hub and sessions" "$hub" "$PUSH_HUB_MAX"
  echo
  printf '| %-20s | %15s | %7s |\n' "push state" "bytes (32-bit)" "at most" --- ---: ---:
  while read -r name max; do
    bytes=$("$size" -A "$CARGO_TARGET_DIR/$TARGET/release/push-states" |
      awk -v section=".state.$name" '$1 == section { print $2; found = 1 } END { if (!found) print 0 }')
    printf '| %-20s | %15s | %7s |\n' "$name" "$bytes" "$max"
    check "push state $name" "$bytes" "$max" 1
  done <<<"$(grep . <<<"$PUSH_STATES")"
}
