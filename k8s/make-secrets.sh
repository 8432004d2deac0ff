#!/usr/bin/env bash
# Makes the secrets of the overlay embedded-services, random ones, in its folder secrets/, which git ignores. What is there already stays: the
# database and the broker keep to the passwords that they were first started with.
#
#   k8s/make-secrets.sh [folder of the overlay]
set -euo pipefail
umask 077
overlay=${1:-$(dirname "$(readlink -f "$0")")/overlays/embedded-services}
mkdir -p "$overlay/secrets"
cd "$overlay/secrets"

# Without a line's end: what is in the file is the secret.
keep() { [ -s "$1" ] || printf %s "$2" >"$1"; }
password() { openssl rand -hex 24; }

keep VICE_SECRET_KEY "$(openssl rand -base64 32)"
keep postgres-password "$(password)"
keep rabbitmq-user vice
keep rabbitmq-password "$(password)"
keep rabbitmq-user.conf "default_user = $(<rabbitmq-user)
default_pass = $(<rabbitmq-password)
"
keep rabbitmq-management-url http://vice-rabbitmq.vice.svc:15672/
keep DATABASE_URL "postgres://vice:$(<postgres-password)@vice-postgres:5432/vice"
keep AMQP_URL "amqp://$(<rabbitmq-user):$(<rabbitmq-password)@vice-rabbitmq:5672"
echo "the secrets are in $PWD: keep VICE_SECRET_KEY, without it no environment's credentials open any more"
