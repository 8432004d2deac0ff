#!/usr/bin/env bash
# Makes what docker-compose.yml takes from secrets/: random passwords, and the key that seals the credentials of environments. What is there stays, so
# that it may be run again; keep the folder with your backups.
#
#   make-secrets.sh [DIR]     DIR: secrets/ of this clone
#
# Compose mounts each file into the containers that need it as it stands on the machine, and these run as users of their own. So the files may be read
# by all, and the folder by its owner only: nobody else on the machine gets to them.
set -euo pipefail
umask 077
DIR=${1:-$(dirname "$(dirname "$(readlink -f "$0")")")/secrets}

random_hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# keep FILE: writes what comes in, unless the file is there. It is whole or absent.
keep() {
  local file=$DIR/$1 new=$DIR/.$1.new
  if [ -s "$file" ]; then
    cat >/dev/null
    return
  fi
  cat >"$new"
  chmod 444 "$new"
  mv "$new" "$file"
  echo "made $file"
}

mkdir -p "$DIR"
chmod 700 "$DIR"
head -c 32 /dev/urandom | base64 | keep secret_key
random_hex | keep database_password
random_hex | keep rabbitmq_password
random_hex | keep grafana_password
keep database_url <<<"postgres://vice:$(cat "$DIR/database_password")@postgres:5432/vice"
keep amqp_url <<<"amqp://vice:$(cat "$DIR/rabbitmq_password")@rabbitmq:5672"
keep rabbitmq_user.conf <<END
default_user = vice
default_pass = $(cat "$DIR/rabbitmq_password")
default_user_tags.administrator = true
END
