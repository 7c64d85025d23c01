#!/bin/sh
# Make the namespace and the search attributes of a deal; safe to run again.
set -eu
export TEMPORAL_ADDRESS="temporal:7233"
temporal operator namespace describe -n "$NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create -n "$NAMESPACE" --retention 720h
temporal operator search-attribute create -n "$NAMESPACE" \
    --name Stage --type Keyword --name WaitingFor --type Keyword --name Account --type Keyword \
    --name Owner --type Keyword --name Currency --type Keyword --name Acv --type Int --name Virtual --type Bool
