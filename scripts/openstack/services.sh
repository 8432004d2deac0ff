# shellcheck shell=bash
# Sourced by openstack.sh: what a cloud is made of without Nova. Each part writes its settings and starts its processes inside the cloud's
# namespaces. DIR, PORT and the other settings are set by `use`.

PACKAGES=(python3-keystone python3-glance uwsgi-core uwsgi-plugin-python3 mariadb-server-core mariadb-client-core
  curl iproute2 openssl procps util-linux)

# spawn NAME COMMAND…: what it prints is in log/NAME.out.
spawn() {
  local name=$1
  shift
  "$@" >>"$DIR/log/$name.out" 2>&1 </dev/null &
}

# serve NAME http|https PORT FACTORY [OPTION…]: a Python web application, as Debian's services run theirs.
serve() {
  local listen=(--http-socket "127.0.0.1:$3")
  [ "$2" = http ] || listen=(--https-socket "127.0.0.1:$3,$DIR/tls/server.pem,$DIR/tls/server.key")
  spawn "$1" uwsgi_python3 --master --enable-threads --die-on-term --need-app --disable-logging --buffer-size 65535 --processes 2 --threads 8 \
    --socket-timeout 60 --add-header 'Connection: close' "${listen[@]}" --module "$4" "${@:5}"
}

# manage COMMAND ARGUMENT…: keystone-manage and its kin, which are a function `main` of the module COMMAND.
manage() {
  local module=$1
  shift
  python3 -c 'import sys; from importlib import import_module; sys.argv[0] = sys.argv[1].split(".")[0] + "-manage"; module = sys.argv.pop(1)
sys.exit(import_module(module).main())' "$module" "$@" >>"$DIR/log/manage.out" 2>&1
}

# Several that are asked at once; a proxy is for others.
all_answer() {
  local url
  for url in "$@"; do curl -s -o /dev/null --noproxy '*' --max-time 10 --insecure "$url" || return 1; done
}

# On a unix socket only. SQLite ends in "database is locked" as soon as two workers write. What is committed survives a kill of the cloud, not one of
# the machine.
start_mariadb() {
  rm -f "$DIR/db/sock"
  spawn mariadb mariadbd --no-defaults --user=root --datadir="$DIR/db" --socket="$DIR/db/sock" --skip-networking --pid-file="$DIR/db/pid" \
    --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=2 --innodb-flush-method=nosync --debug-no-sync --max-connections=500
  until [ -S "$DIR/db/sock" ]; do
    kill -0 $! || die "MariaDB did not start: see $DIR/log/mariadb.out"
    sleep 0.05
  done
}

sql() { mariadb --no-defaults --user=root --socket="$DIR/db/sock" --skip-column-names --batch -e "$1"; }

database() { echo "mysql+pymysql://root@localhost/$1?charset=utf8&unix_socket=$DIR/db/sock"; }

# The catalogue has the addresses of all services since its preparation; it shows those that run, at this cloud's ports.
publish_endpoints() {
  local types="'identity', 'image'"
  [ "${1-}" != --nova ] || types+=", 'compute', 'placement', 'network'"
  sql "UPDATE keystone.service SET enabled = type IN ($types);
    UPDATE keystone.endpoint JOIN keystone.service ON service.id = endpoint.service_id SET url = CASE type
      WHEN 'identity' THEN '$KEYSTONE_URL'
      WHEN 'image' THEN '$GLANCE_URL'
      WHEN 'placement' THEN 'http://127.0.0.1:$((PORT + 2))'
      WHEN 'compute' THEN 'http://127.0.0.1:$((PORT + 3))/v2.1'
      WHEN 'network' THEN 'http://127.0.0.1:$((PORT + 4))' END"
}

ca_file() { [ "$TLS" != 1 ] || echo "$DIR/ca.pem"; }

# login USER: the lines by which one of our services makes itself known to Keystone.
login() {
  cat <<LINES
auth_url = $KEYSTONE_URL
auth_type = password
username = $1
password = $1-password
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
cafile = $(ca_file)
LINES
}

make_certificates() {
  local tls=$DIR/tls
  [ "$TLS" = 1 ] && [ ! -e "$DIR/ca.pem" ] || return 0
  mkdir -p "$tls"
  {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=CA of a test' -keyout "$tls/ca.key" -out "$tls/ca.pem" \
      -addext keyUsage=critical,keyCertSign
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=127.0.0.1' -keyout "$tls/server.key" -out "$tls/server.csr"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -days 30 -out "$tls/server.pem" \
      -extfile <(echo 'subjectAltName = IP:127.0.0.1, DNS:localhost')
  } >>"$DIR/log/openssl.out" 2>&1
  cp "$tls/ca.pem" "$DIR/ca.pem"
}

write_keystone_configuration() {
  cat >"$DIR/keystone/keystone.conf" <<LINES
[DEFAULT]
log_file = $DIR/log/keystone.log
public_endpoint = ${KEYSTONE_URL%/v3}
[database]
connection = $(database keystone)
[token]
expiration = $TOKEN_TTL
[fernet_tokens]
key_repository = $DIR/keystone/fernet
[credential]
key_repository = $DIR/keystone/credential
[identity]
# quick rather than safe
password_hash_rounds = 4
LINES
}

start_keystone() {
  make_certificates
  write_keystone_configuration
  OS_KEYSTONE_CONFIG_DIR=$DIR/keystone serve keystone "$SCHEME" "$PORT" 'keystone.server.wsgi:initialize_public_application()'
}

write_glance_configuration() {
  mkdir -p "$DIR"/glance/{images,staging,tasks}
  cat >"$DIR/glance/glance-api.conf" <<LINES
[DEFAULT]
bind_host = 127.0.0.1
bind_port = $((PORT + 1))
public_endpoint = $GLANCE_URL
workers = 2
log_file = $DIR/log/glance.log
transport_url = fake://
enabled_backends = file:file
image_size_cap = $IMAGE_SIZE_CAP
user_storage_quota = $USER_QUOTA
enabled_import_methods = [glance-direct,web-download,copy-image]
[database]
connection = $(database glance)
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = $DIR/glance/images
[os_glance_staging_store]
filesystem_store_datadir = $DIR/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = $DIR/glance/tasks
[import_filtering_opts]
allowed_hosts = [127.0.0.1,localhost]
allowed_ports = []
[keystone_authtoken]
www_authenticate_uri = $KEYSTONE_URL
$(login glance)
[paste_deploy]
flavor = keystone
config_file = $DIR/glance/glance-api-paste.ini
LINES
  cp "$PARTS/glance-api-paste.ini" "$DIR/glance/"
}

start_glance() {
  write_glance_configuration
  if [ "$GL_MODE" = uwsgi ]; then
    OS_GLANCE_CONFIG_DIR=$DIR/glance serve glance "$SCHEME" $((PORT + 1)) 'glance.common.wsgi_app:init_app()'
  else
    spawn glance python3 -c 'import sys; from glance.cmd.api import main; sys.exit(main())' --config-file "$DIR/glance/glance-api.conf"
  fi
}
