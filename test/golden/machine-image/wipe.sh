set -eu
docker swarm leave --force >/dev/null 2>&1 || true
if [ -d /run/systemd/system ]; then
  systemctl stop docker.socket docker.service
  systemctl stop containerd.service || true
elif [ -e /var/run/docker.pid ]; then
  engine=$(cat /var/run/docker.pid)
  kill "$engine" 2>/dev/null || true
  while kill -0 "$engine" 2>/dev/null; do sleep 1; done
fi
: >/etc/machine-id
if command -v apt-get >/dev/null 2>&1; then apt-get clean; fi
for path in /var/lib/docker/swarm /var/lib/docker/engine-id /etc/docker/key.json /etc/docker/certs.d /etc/docker/daemon.json /root/.docker /home/*/.docker /var/lib/sparkplug /usr/local/lib/sparkplug /etc/systemd/system/sparkplug-* /etc/systemd/system/*.wants/sparkplug-* /etc/ssh/ssh_host_* /root/.ssh /home/*/.ssh /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/dhcp/*.leases /var/lib/cloud/* /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init /root/.*_history /home/*/.*_history /root/.cache /home/*/.cache /var/cache/apt/*.bin /var/lib/apt/lists/*; do rm -rf "$path"; done
find /tmp /var/tmp -mindepth 1 -delete 2>/dev/null || true
if [ -d /run/systemd/system ]; then journalctl --relinquish-var || true; fi
rm -rf /var/log/journal/*
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' \) -delete
find /var/log -type f -exec truncate -s 0 {} +
sync
left=0
for path in /var/lib/docker/swarm /var/lib/docker/engine-id /etc/docker/key.json /etc/docker/certs.d /etc/docker/daemon.json /root/.docker /home/*/.docker /var/lib/sparkplug /usr/local/lib/sparkplug /etc/systemd/system/sparkplug-* /etc/systemd/system/*.wants/sparkplug-* /etc/ssh/ssh_host_* /root/.ssh /home/*/.ssh /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/dhcp/*.leases /var/lib/cloud/* /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init /root/.*_history /home/*/.*_history /root/.cache /home/*/.cache /var/cache/apt/*.bin /var/lib/apt/lists/*; do
  if [ -e "$path" ]; then
    echo "left: $path" >&2
    left=1
  fi
done
if [ -s /etc/machine-id ]; then echo "left: /etc/machine-id" >&2; left=1; fi
exit "$left"
