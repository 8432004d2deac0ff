"""Answers Nova's questions for Neutron, each with nothing: neutron_stub.py PORT. Enough for guests without a network."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port = int(sys.argv[1])
versions = [{'id': 'v2.0', 'status': 'CURRENT', 'links': [{'rel': 'self', 'href': f'http://127.0.0.1:{port}/v2.0/'}]}]


class Stub(BaseHTTPRequestHandler):
    def do_GET(self):
        collection = self.path.split('?')[0].rstrip('/').rsplit('/', 1)[-1].removesuffix('.json').replace('-', '_')
        body = json.dumps({collection: []} if collection else {'versions': versions}).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(('127.0.0.1', port), Stub).serve_forever()
