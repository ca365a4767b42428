set -u
fail() { echo "$*" >&2; exit 1; }
docker info >/dev/null 2>&1 || fail 'the Docker engine does not answer'
[ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ] || fail 'the machine is in a Swarm'
if [ -d /run/systemd/system ]; then
  systemctl is-enabled --quiet docker || fail 'the Docker engine is not started with the machine'
fi
for program in curl python3; do command -v "$program" >/dev/null || fail "$program is missing"; done
for ref in 'sparkplug/spark:abc' 'it'\''s'; do
  said=$(docker run --rm --network none --entrypoint true "$ref" 2>&1) || fail "$ref does not start: $said"
done
