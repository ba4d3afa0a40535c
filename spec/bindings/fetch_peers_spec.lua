-- SPDX-License-Identifier: MIT
--
-- The client of lagoon.http against servers of others: Python's, and nghttpd for HTTP/2, with TLS.
-- The certificate is made for the occasion, for `localhost` and nothing else.
local lagoon = require "lagoon"
local helper = require "helper"
local http, net, process, go = lagoon.http, lagoon.net, lagoon.process, lagoon.go

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == 0
end

local PYTHON = [[
import gzip, http.server, os, ssl, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *args):
        pass
    def answer(self, body, *fields):
        self.send_response(200)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/port":
            self.answer(str(self.client_address[1]).encode())
        elif self.path == "/large":
            self.answer(b"0123456789" * 200000)
        elif self.path == "/gzip":
            assert "gzip" in self.headers["Accept-Encoding"]
            self.answer(gzip.compress(b"unpacked " * 10000), ("Content-Encoding", "gzip"))
        elif self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        else:
            self.send_error(404)
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body, ("X-Expect", self.headers.get("Expect", "-")))
def serve(wrap):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s.daemon_threads = True
    wrap(s)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_port
def tls(s):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    s.socket = context.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
print(serve(lambda s: None), serve(tls), flush=True)
sys.stdin.read()
]]

-- Makes a certificate; its path and its key's.
local function certificate()
  local key, cert = helper.path("key.pem"), helper.path("cert.pem")
  if not io.open(cert) then
    local said, exit = process.run("openssl", { "req", "-x509", "-newkey", "ec", "-pkeyopt",
      "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
      "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost" })
    assert(exit.code == 0, exit.stderr or said)
  end
  return cert, key
end

-- Runs Python's servers for the time of f(plain port, TLS port, certificate).
local function with_python(f)
  local cert, key = certificate()
  local child = assert(process.spawn("python3", { helper.file("server.py", PYTHON), cert, key },
    { stdin = "pipe", stdout = "pipe" }))
  local plain, tls = assert(child.stdout:read("*l")):match("(%d+) (%d+)")
  local ok, err = pcall(f, plain, tls, cert)
  http.close_idle()
  child.stdin:close()
  child.stdout:close()
  child:kill("SIGKILL")
  child:wait()
  assert(ok, err)
end

if has "python3" and has "openssl" then
  describe("Python's http.server", function()
    it("is asked as ours: kept connections, compression, bodies both ways", function()
      with_python(function(port)
        local url = "http://127.0.0.1:" .. port
        local first = assert(http.get(url .. "/port", { stream = false })).body
        assert.equal(2000000, #assert(http.get(url .. "/large", { stream = false })).body)
        assert.equal(("unpacked "):rep(10000),
          assert(http.get(url .. "/gzip", { stream = false, compressed = true })).body)
        local body = ("body"):rep(500000)
        local res = assert(http.request { url = url, method = "POST", body = body })
        assert.equal("100-continue", res.headers["X-Expect"])
        assert.is_true(res:read("*a") == body)
        assert.equal(first, assert(http.get(url .. "/port", { stream = false })).body)
        assert.same({ nil, "unexpected end of stream", "EOF" },
          { http.get(url .. "/half", { stream = false }) })
      end)
    end)
  end)

  describe("a server with TLS", function()
    it("is trusted by its certificate only", function()
      with_python(function(plain, port, cert)
        local url = "https://localhost:" .. port .. "/port"
        local function refusal(there, opts)
          local res, err, code = http.get(there, opts)
          assert.is_nil(res)
          return code, err
        end
        local code, err = refusal(url)
        assert.equal("ECERT", code)
        assert.is_truthy(err:find("certificate"), err)
        local text = assert(lagoon.fs.read(cert))
        for _, opts in ipairs { { ca = cert }, { ca = text }, { verify = false } } do
          local res = assert(http.get(url, opts))
          assert.same({ 200, "HTTP/1.1" }, { res.status, res.version })
          assert.is_truthy(res:read("*a"):find("^%d+$"))
        end
        local elsewhere = "https://127.0.0.1:" .. port .. "/port"
        code, err = refusal(elsewhere, { ca = cert })
        assert.equal("ECERT", code)
        assert.is_truthy(err:find("127.0.0.1", 1, true), err)
        assert.equal(200, assert(http.get(elsewhere, { verify = false, stream = false })).status)
        assert.equal("ECERT", (refusal(url, { ca = "/nothing.pem" })))
        assert.equal("ETLS", (refusal("https://127.0.0.1:" .. plain .. "/port", { ca = cert })))
      end)
    end)

    it("is reached through a proxy that sees nothing of it", function()
      with_python(function(_, port, cert)
        local listener = assert(net.listen("tcp", "127.0.0.1:0"))
        local asked
        go(function()
          local conn = assert(listener:accept())
          asked = conn:read("*l")
          repeat until conn:read("*l") == "\r"
          local there = assert(net.dial("tcp", "127.0.0.1:" .. asked:match(":(%d+)")))
          conn:write("HTTP/1.1 200 OK\r\n\r\n")
          local function copy(from, to)
            for data in function() return (from:read()) end do
              to:write(data)
            end
            to:close_write()
          end
          go(copy, there, conn)
          copy(conn, there)
        end)
        local res = assert(http.get("https://localhost:" .. port .. "/large", { ca = cert,
          proxy = "http://" .. listener:addr(), stream = false }))
        assert.same({ 200, 2000000 }, { res.status, #res.body })
        assert.equal("CONNECT localhost:" .. port .. " HTTP/1.1\r", asked)
        listener:close()
      end)
    end)
  end)
end

if has "nghttpd" and has "openssl" then
  describe("a server with HTTP/2", function()
    it("is spoken to in it, many times at once and both ways", function()
      local cert, key = certificate()
      helper.file("page", ("0123456789"):rep(100000))
      -- It says nothing when it listens: a port that is free just now, asked until it is there.
      local listener = assert(net.listen("tcp", "127.0.0.1:0"))
      local port = listener:addr():match(":(%d+)$")
      listener:close()
      local child = assert(process.spawn("nghttpd", { "--address=127.0.0.1", "--echo-upload",
        "-d", helper.path(""), port, key, cert }, { stdout = "null", stderr = "null" }))
      local url = "https://localhost:" .. port .. "/page"
      local ok, err = pcall(function()
        helper.settle(function()
          local conn = net.dial("tcp", "127.0.0.1:" .. port)
          return conn and conn:close()
        end, "the server listens")
        local tasks = {}
        for i = 1, 10 do
          tasks[i] = lagoon.async(function()
            return assert(http.get(url, { ca = cert, stream = false }))
          end)
        end
        for _, task in ipairs(tasks) do
          local res = task:wait()
          assert.same({ 200, "HTTP/2", "", 1000000 },
            { res.status, res.version, res.reason, #res.body })
        end
        local n = 0
        local function pieces()
          n = n + 1
          lagoon.yield()
          return n <= 100 and ("0123456789"):rep(1000) or nil
        end
        local res = assert(http.request { url = url, ca = cert, method = "POST", body = pieces,
          stream = false })
        assert.is_true(res.body == ("0123456789"):rep(100000))
        res = assert(http.get(url, { ca = cert }))
        assert.equal("0123456789", res:read(10))
        res:close()
        assert.is_nil((http.get(url, { ca = cert, http2 = false }))) -- it speaks nothing else
      end)
      http.close_idle()
      child:kill("SIGKILL")
      child:wait()
      assert(ok, err)
    end)
  end)
end
