#!/bin/sh
# Bring Temporal's two databases to the schema of this release; safe to run again.
set -eu
schema=/etc/temporal/schema/postgresql/v12
for database in temporal temporal_visibility; do
    tool="temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u $POSTGRES_USER --db $database"
    $tool create
    $tool setup-schema -v 0.0 || true # an error where the version table is already there
    part=${database#temporal_}
    $tool update-schema -d "$schema/$part/versioned"
done
