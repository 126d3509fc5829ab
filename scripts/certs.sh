# shellcheck shell=bash
# Certificates with which nodes know each other: a private authority, and a key and a certificate per node. A node believes whoever
# shows a certificate of that authority, so the authority signs nothing else, and its key stays with the operator.

authority_days=3650 node_days=1095

# cmd_certs: ./souk certs DIR NODE[=HOST] … [--renew]
cmd_certs() {
  local usage='./souk certs DIR NODE[=HOST] … [--renew]: a directory and the names of the nodes, e.g. certs node-1 node-2=10.0.0.2'
  ((${#words[@]} >= 2)) || die "$usage"
  local dir=${words[0]} word name host
  local -A hosts=()
  local -a names=()
  for word in "${words[@]:1}"; do
    name=${word%%=*} host=${word#*=}
    if [[ $word != *=* ]]; then host=$name; fi
    [[ $name =~ ^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$ ]] \
      || die "'$name' is no name for a node: letters, digits, dots, dashes and underscores, 63 at most"
    [[ $name != ca ]] || die "a node cannot be called ca: ca.pem is the authority's certificate"
    [[ $host =~ ^[A-Za-z0-9._:-]{1,253}$ ]] || die "'$host' is no host: a name or an address without a port"
    [[ -z ${hosts[$name]+there} ]] || die "the node $name is named twice"
    hosts[$name]=$host
    names+=("$name")
  done
  install_packages openssl
  mkdir -p "$dir" 2>/dev/null || die "the directory $dir cannot be made"
  [[ -w $dir ]] || die "the directory $dir cannot be written to"
  dir=$(realpath "$dir")
  certs_scratch=$(mktemp -d "$dir/.certs-XXXXXX") || die "the directory $dir cannot be written to"
  trap 'rm -rf "$certs_scratch"' EXIT
  make_authority "$dir"
  for name in "${names[@]}"; do
    make_certificate "$dir" "$name" "${hosts[$name]}"
  done
  note ""
  note "Each node needs its own three settings, and ${dir}/ca.key is for none of them:"
  note "  SOUK_CLUSTER_CERTIFICATE=$dir/${names[0]}.pem"
  note "  SOUK_CLUSTER_KEY=$dir/${names[0]}.key"
  note "  SOUK_CLUSTER_AUTHORITY=$dir/ca.pem"
}

# with_openssl WHAT ARGUMENT …
with_openssl() {
  local what=$1
  shift
  openssl "$@" >"$certs_scratch/log" 2>&1 && return 0
  sed 's/^/    /' "$certs_scratch/log" >&2
  die "openssl could not make $what"
}

# A new key, readable by its owner alone from its first byte on.
make_key() { # FILE WHAT
  (umask 077 && : >"$1")
  with_openssl "$2" genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1"
}

fits() { # CERTIFICATE KEY: whether they belong together
  local of_certificate of_key
  of_certificate=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || return 1
  of_key=$(openssl pkey -in "$2" -pubout 2>/dev/null) || return 1
  [[ $of_certificate == "$of_key" ]]
}

end_of() { openssl x509 -in "$1" -noout -enddate | sed 's/^notAfter=//'; }

make_authority() { # DIR
  local dir=$1
  if [[ -e $dir/ca.pem || -e $dir/ca.key ]]; then
    [[ -e $dir/ca.key ]] \
      || die "$dir/ca.key is missing, and without it nothing can be signed: put it back, or begin in another directory"
    [[ -e $dir/ca.pem ]] || die "$dir/ca.pem is missing, although there is a ca.key: put it back"
    fits "$dir/ca.pem" "$dir/ca.key" || die "$dir/ca.key is not the key of $dir/ca.pem, or one of them is damaged"
    openssl x509 -in "$dir/ca.pem" -noout -checkend 0 >/dev/null \
      || die "the authority has expired ($(end_of "$dir/ca.pem")): begin in another directory and give every node a new certificate"
    chmod 600 "$dir/ca.key" 2>/dev/null || die "$dir/ca.key cannot be made readable for its owner alone"
    note "kept     $dir/ca.pem, until $(end_of "$dir/ca.pem")"
    return 0
  fi
  cat >"$certs_scratch/ca.cnf" <<'CONFIG'
[req]
distinguished_name = name
prompt = no
x509_extensions = authority
[name]
CN = souk cluster authority
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
  make_key "$certs_scratch/ca.key" "the authority's key"
  with_openssl "the authority's certificate" req -new -x509 -sha256 -days "$authority_days" -config "$certs_scratch/ca.cnf" \
    -key "$certs_scratch/ca.key" -out "$certs_scratch/ca.pem"
  mv "$certs_scratch/ca.key" "$certs_scratch/ca.pem" "$dir/" || die "the authority could not be put into $dir"
  note "made     $dir/ca.pem, until $(end_of "$dir/ca.pem")"
}

make_certificate() { # DIR NODE HOST
  local dir=$1 node=$2 host=$3 kind=DNS
  local certificate=$dir/$node.pem key=$dir/$node.key
  if [[ -z ${renew:-} && (-e $certificate || -e $key) ]]; then
    fits "$certificate" "$key" && openssl verify -CAfile "$dir/ca.pem" -no_check_time "$certificate" >/dev/null 2>&1 \
      || die "$certificate and $key are there, but not a certificate of this authority with its key: --renew makes new ones"
    openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null \
      || die "$certificate has expired ($(end_of "$certificate")): --renew makes a new one"
    note "kept     $certificate, until $(end_of "$certificate")"
    return 0
  fi
  if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then kind=IP; fi
  cat >"$certs_scratch/node.cnf" <<CONFIG
[req]
distinguished_name = name
prompt = no
[name]
CN = $node
[node]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$node, $kind:$host
CONFIG
  make_key "$certs_scratch/node.key" "the key of $node"
  with_openssl "the request of $node" req -new -sha256 -config "$certs_scratch/node.cnf" -key "$certs_scratch/node.key" \
    -out "$certs_scratch/node.csr"
  with_openssl "the certificate of $node" x509 -req -sha256 -days "$node_days" -in "$certs_scratch/node.csr" \
    -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 16)" -extfile "$certs_scratch/node.cnf" \
    -extensions node -out "$certs_scratch/node.pem"
  mv "$certs_scratch/node.key" "$key" && mv "$certs_scratch/node.pem" "$certificate" \
    || die "the certificate of $node could not be put into $dir"
  note "made     $certificate, until $(end_of "$certificate")"
}
