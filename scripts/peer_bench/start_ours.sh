#!/bin/bash
# Started by the harness of the peers: $PORT to listen on, $BUNDLES the folder of models, $WORKERS as for every peer.
# Threads are left as they are by default: the workers share the cores, and a lone request gets all of them.
set -e
cd "$(dirname "$0")/../.."
export SECONDLOOK_ENGINE__WORKERS=$WORKERS
exec "${SECONDLOOK:-target/release/secondlook}" serve --listen "127.0.0.1:$PORT" --models "$BUNDLES"
