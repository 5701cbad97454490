#!/bin/sh
# Prints the settings of an environment: the template with the variables of the catalogue in it.
set -eu
sed -e "s/@environment@/$TM_ENVIRONMENT/" -e "s/@address@/$ADDRESS/" -e "s/@replicas@/$REPLICAS/" templates/shop.conf
