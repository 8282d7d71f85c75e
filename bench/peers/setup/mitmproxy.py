"""The hosts that may be reached, as an addon of mitmproxy: whatever else is asked for is answered with 403."""
import json
import os

from mitmproxy import http

with open(os.path.join(os.environ["CONFORMANCE_DIR"], "setup.json")) as file:
    ALLOWED = {lane["allowed"] for lane in json.load(file)["lanes"]}


def refuse(flow: http.HTTPFlow) -> None:
    flow.response = http.Response.make(403, b"not allowed\n", {"Content-Type": "text/plain"})


class Allow:
    def http_connect(self, flow: http.HTTPFlow) -> None:
        if flow.request.host not in ALLOWED or flow.request.port != 443:
            refuse(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        # Where it goes, and whom it names: the reference warns that `pretty_host`, the Host field, can be spoofed, so both count.
        request = flow.request
        if not {request.host, request.pretty_host} <= ALLOWED or (request.scheme, request.port) not in (("http", 80), ("https", 443)):
            refuse(flow)


addons = [Allow()]
