#!/bin/bash
# The harness of the peers starts this: $PORT to listen on, $BUNDLES is the folder of models,
# $WORKERS as for every peer. Threads have their defaults: the workers share the cores, and a lone
# request gets all of them.
set -e
cd "$(dirname "$0")/../.."
export SECONDLOOK_ENGINE__WORKERS=$WORKERS
exec "${SECONDLOOK:-target/release/secondlook}" serve --listen "127.0.0.1:$PORT" --models "$BUNDLES"
