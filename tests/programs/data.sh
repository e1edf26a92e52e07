# Makes what programs serve, in the current folder: files, an authority with a certificate for caracal.test, configuration.

mkdir -p site/deep
echo 'Hello from a file.' > site/hello.txt
# Long enough to be worth compressing.
{ echo '<!doctype html><title>Caracal</title><p>A page.'; seq 100; } > site/index.html
echo 'Down here.' > site/deep/file.txt
[ -f site/large.bin ] || head -c 8388608 /dev/urandom > site/large.bin
sha256sum < site/large.bin > large.sum

if [ ! -f tls/cert.pem ]; then
    mkdir -p tls
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Authority of a test' -keyout tls/ca.key -out tls/ca.pem
    openssl req -newkey rsa:2048 -nodes -subj '/CN=caracal.test' -keyout tls/key.pem -out tls/cert.req
    printf '%s\n' 'basicConstraints=CA:FALSE' 'subjectAltName=DNS:caracal.test' 'extendedKeyUsage=serverAuth' > tls/cert.ext
    openssl x509 -req -in tls/cert.req -CA tls/ca.pem -CAkey tls/ca.key -CAcreateserial -days 3650 -extfile tls/cert.ext -out tls/cert.pem
fi

# The guest's names: the host is 10.0.2.2 on QEMU's user network.
mkdir -p etc
printf '%s\n' '127.0.0.1 localhost' '10.0.2.2 caracal.test' > etc/hosts
printf '%s\n' 'root:x:0:0:root:/:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/sh' > etc/passwd
printf '%s\n' 'root:x:0:' 'nobody:x:65534:' > etc/group

mkdir -p dns
cat > dns/named.toml <<'EOF'
listen_addrs_ipv4 = ["0.0.0.0"]
listen_addrs_ipv6 = []
directory = "/dns"

[[zones]]
zone = "caracal.test"
zone_type = "Primary"

[zones.stores]
type = "file"
zone_path = "caracal.test.zone"
EOF
cat > dns/caracal.test.zone <<'EOF'
$ORIGIN caracal.test.
$TTL 3600
@    IN SOA ns.caracal.test. admin.caracal.test. 1 3600 900 604800 300
@    IN NS  ns
ns   IN A   192.0.2.1
www  IN A   192.0.2.80
www  IN AAAA 2001:db8::80
text IN TXT "a text of the zone"
EOF

mkdir -p mqtt
cat > mqtt/rumqttd.toml <<'EOF'
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10

[v4.1]
name = "v4-1"
listen = "0.0.0.0:1883"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = 65536
    max_inflight_count = 100
    dynamic_filters = true
EOF
