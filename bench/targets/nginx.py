"""nginx `proxy_pass`: the limit. It forwards bytes and does nothing else."""

import getpass
import os
import re
import shutil
import subprocess
from pathlib import Path

from bench import peers
from bench.load import Endpoint
from bench.processes import Process
from bench.target import Running, Stage, Target

CONFIG = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 16384; }}
http {{
  access_log off; client_body_buffer_size 64k; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream scripted {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://scripted; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer upstream-key";
    }}
  }}
}}
"""


def _unpacked() -> Path:
    """Debian's package, downloaded and unpacked: no installation, no service, no root needed."""
    folder, ready = peers.fresh("nginx")
    binary = folder / "root" / "usr" / "sbin" / "nginx"
    if not ready:
        peers.run(["apt-get", "download", "nginx"], cwd=folder)
        package = next(folder.glob("nginx_*.deb"))
        peers.run(["dpkg-deb", "-x", package, folder / "root"])
        peers.run([binary, "-V"])
        peers.complete(folder)
    return binary


def _binary() -> Path:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else _unpacked()


def _install() -> str:
    done = subprocess.run([_binary(), "-v"], capture_output=True, text=True)
    return re.search(r"nginx/(\S+)", done.stderr)[1]


def _start(stage: Stage) -> Running:
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    config = stage.folder / "nginx.conf"
    text = CONFIG.format(
        folder=stage.folder, user=user, upstream=stage.upstream.port, port=stage.port
    )
    config.write_text(text)
    process = Process(
        [_binary(), "-p", stage.folder, "-c", config, "-e", stage.folder / "error.log"],
        cores=stage.cores,
        log=stage.folder / "log",
    )
    return Running(process, Endpoint(stage.port))


TARGET = Target(
    name="nginx",
    title="nginx",
    what_it_does="proxy_pass, one worker, no buffering, no access log; no auth, no metering",
    install=_install,
    start=_start,
    required=True,
)
