-- SPDX-License-Identifier: MIT
--
-- lagoon.http: the client, against our server, against connections that say exactly what a fact
-- needs, and against programs of others.
local lagoon = require "lagoon"
local helper = require "helper"
local http, net, go, async = lagoon.http, lagoon.net, lagoon.go, lagoon.async

-- A server of ours for the time of f(url, server).
local function serving(handler, f)
  local server = assert(http.serve("127.0.0.1:0", handler, { log = function() end }))
  local ok, err = pcall(f, "http://" .. server:addr(), server)
  http.close_idle()
  server:close(ok and 5 or 0)
  assert(ok, err)
end

-- Something that answers each connection with a text, once the head of a request is there; what it
-- has heard is in the list that f gets.
local function answering(text, f)
  local listener = assert(net.listen("tcp", "127.0.0.1:0"))
  local heard = {}
  go(function()
    for conn in function() return (listener:accept()) end do
      local head = {}
      for line in conn:lines() do
        head[#head + 1] = line
        if line == "\r" then
          break
        end
      end
      heard[#heard + 1] = table.concat(head, "\n") .. "\n"
      conn:write(text)
      conn:close_write()
      conn:read("*a")
      conn:close()
    end
  end)
  local ok, err = pcall(f, "http://" .. listener:addr(), heard)
  http.close_idle()
  listener:close()
  assert(ok, err)
end

describe("http.get", function()
  it("gives status, headers and body", function()
    serving(function(req, res)
      res.status = 201
      res.headers["X-Path"] = req.path .. "?" .. req.query
      res:write("hello")
    end, function(url)
      local res = assert(http.get(url .. "/a%20b?c#d"))
      assert.same({ 201, "Created", "HTTP/1.1", "/a b?c", url .. "/a%20b?c" },
        { res.status, res.reason, res.version, res.headers["x-path"], res.url })
      assert.equal("hello", res:read("*a"))
      assert.is_nil((res:read()))
    end)
  end)

  it("streams bodies that are chunked, counted, or end with the connection", function()
    local long = ("0123456789"):rep(50000)
    serving(function(req, res)
      if req.path == "/length" then
        res.headers["Content-Length"] = #long
      end
      for i = 1, #long, 5000 do
        res:write(long:sub(i, i + 4999))
      end
    end, function(url)
      for _, path in ipairs { "/", "/length" } do
        local res = assert(http.get(url .. path))
        local parts = {}
        for data in function() return (res:read()) end do
          parts[#parts + 1] = data
        end
        assert.is_true(table.concat(parts) == long)
      end
    end)
    answering("HTTP/1.0 200 OK\r\n\r\nto the end", function(url)
      local res = assert(http.get(url))
      assert.same({ "HTTP/1.0", "to the end" }, { res.version, res:read("*a") })
    end)
  end)

  it("passes over responses that announce another one", function()
    answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", function(url)
      local res = assert(http.get(url))
      assert.same({ 200, "ok" }, { res.status, res:read("*a") })
    end)
  end)

  it("says what is wrong with an answer", function()
    local function failure(text)
      local result
      answering(text, function(url)
        result = { http.get(url) }
      end)
      return result
    end
    assert.same({ nil, "unexpected end of stream", "EOF" }, failure(""))
    assert.same({ nil, "unexpected end of stream", "EOF" }, failure("HTTP/1.1 200 OK\r\n"))
    assert.same({ nil, "not a response of HTTP/1.1: bare LF", "EPROTO" },
      failure("HTTP/1.1 200 OK\n\n"))
    assert.same({ nil, "not a response of HTTP/1.1: bad version", "EPROTO" },
      failure("SSH-2.0-OpenSSH\r\n\r\n"))
    assert.same({ nil, "not a response of HTTP/1.1: Content-Length and Transfer-Encoding",
      "EPROTO" }, failure("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n"))
  end)

  it("tells a body that breaks off from a whole one", function()
    for _, text in ipairs {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    } do
      answering(text, function(url)
        local res = assert(http.get(url))
        assert.same({ nil, "unexpected end of stream", "EOF" }, { res:read("*a") })
        assert.equal("half", res:read())
        assert.same({ nil, "unexpected end of stream", "EOF" }, { res:read() })
      end)
    end
  end)

  it("says ECONNREFUSED where nobody listens", function()
    local listener = assert(net.listen("tcp", "127.0.0.1:0"))
    local address = listener:addr()
    listener:close()
    assert.equal("ECONNREFUSED", (select(3, http.get("http://" .. address))))
    http.close_idle()
  end)

  it("says what net.resolve says of a name that there is not", function()
    local res, _, code = http.get("http://nowhere.invalid/")
    assert.is_nil(res)
    assert.is_truthy(code:find("^EAI_"), code)
    http.close_idle()
  end)

  it("refuses what is no address of http", function()
    local function failure(url)
      local res, err, code = http.get(url)
      assert.is_nil(res)
      return err .. " " .. code
    end
    for _, url in ipairs { "", "localhost", "ftp://a/", "http://", "http:///x", "http://a b/",
      "http://user:secret@a/", "http://a:b/", "http://a/b c", "http://a/\228" } do
      assert.equal("not an address of http: " .. url .. " EINVAL", failure(url))
    end
    assert.equal("not an address of http: http://a/b??X: y EINVAL", failure("http://a/b\r\nX: y"))
  end)
end)

describe("http.request", function()
  it("sends method, headers and a body", function()
    serving(function(req, res)
      res:write(req.method, " ", req.headers["X-One"], " ",
        table.concat(req.headers:all("X-Two"), ","), " ", req.host, " ", req.content_length or "-",
        " ", req:read("*a"))
    end, function(url)
      local function said(opts)
        opts.url = url
        opts.headers = { ["X-One"] = 1, ["X-Two"] = { "a", "b" }, Host = "there" }
        return (assert(http.request(opts)):read("*a"))
      end
      assert.equal("PUT 1 a,b there 4 body", said { method = "PUT", body = "body" })
      assert.equal("POST 1 a,b there 0 ", said { method = "POST" })
      assert.equal("GET 1 a,b there 0 ", said {})
    end)
  end)

  it("says exactly what it should", function()
    answering("HTTP/1.1 204 No Content\r\n\r\n", function(url, heard)
      local res = assert(http.request { url = url, method = "DELETE", headers = { A = "b" } })
      assert.equal(204, res.status)
      assert.same({ "DELETE / HTTP/1.1\r\nHost: " .. url:sub(8) .. "\r\nA: b\r\n"
        .. "\r\n" }, heard)
    end)
  end)

  it("expects no body after HEAD", function()
    serving(function(_, res)
      res.headers["Content-Length"] = 1000
    end, function(url)
      local res = assert(http.request { url = url, method = "HEAD" })
      assert.same({ "1000", nil }, { res.headers["Content-Length"], (res:read()) })
    end)
  end)

  it("sends a long body while it reads the response", function()
    local body = ("0123456789"):rep(800000)
    serving(function(req, res)
      res:flush()
      for data in function() return (req:read()) end do
        res:write(data)
      end
    end, function(url)
      local res = assert(http.request { url = url, method = "POST", body = body })
      assert.is_true(res:read("*a") == body)
    end)
  end)

  it("gets the refusal of a body that the server does not want", function()
    serving(function() end, function(url)
      local res = assert(http.request { url = url, method = "POST", body = ("x"):rep(10000000) })
      assert.equal(413, res.status)
      assert.equal("body too large\n", res:read("*a"))
    end)
  end)

  it("ends with its time-out, wherever it waits", function()
    local listener = assert(net.listen("tcp", "127.0.0.1:0"))
    local url = "http://" .. listener:addr()
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { http.get(url, { timeout = 0.03 }) })
    listener:close()
    answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", function(place)
      local res = assert(http.get(place, { timeout = 30 }))
      assert.equal("half", res:read(4))
      res:close()
      assert.same({ nil, "closed" }, { res:read() })
    end)
  end)

  it("closes its connection when the goroutine is cancelled", function()
    local listener = assert(net.listen("tcp", "127.0.0.1:0"))
    local task = async(http.get, "http://" .. listener:addr())
    local conn = assert(listener:accept())
    assert.equal("GET / HTTP/1.1\r", conn:read("*l"))
    helper.parked(task)
    task:cancel("enough")
    assert.equal("enough", helper.error_of(function() task:wait() end))
    assert.is_truthy(conn:read("*a"):find("\r\n\r\n$"))
    conn:close()
    listener:close()
    http.close_idle()
  end)

  it("raises for misuse", function()
    local function message_of(opts)
      return helper.message_of(function() http.request(opts) end)
    end
    assert.equal("bad argument #1 to 'request' (a table expected, got string)", message_of("x"))
    assert.equal("bad option 'uri' of request (there is none of that name)",
      message_of { uri = "" })
    assert.equal("bad option 'url' of request (string expected)", message_of {})
    assert.equal("bad option 'method' of request (no name of a method)",
      message_of { url = "http://a", method = "GET / HTTP/1.1\r\nX:" })
    assert.equal("the value of 'X' has a control character",
      message_of { url = "http://a", headers = { X = "a\r\nY: b" } })
    assert.equal("the header Content-Length is the client's business",
      message_of { url = "http://a", headers = { ["content-length"] = 3 } })
  end)
end)

if not helper.is_hosted() then
  describe("lagoon.http in a task's state", function()
    it("serves and asks as elsewhere", function()
      local text = helper.parallel(function()
        local own = require("lagoon").http
        local server = assert(own.serve("127.0.0.1:0", function(_, res)
          res:write("from afar")
        end))
        local res = assert(own.get("http://" .. server:addr()))
        local body = res:read("*a")
        own.close_idle()
        server:close()
        return body
      end):wait()
      assert.equal("from afar", text)
    end)
  end)
end

describe("a redirect", function()
  -- Says what it was asked for at /end; /N/WHERE answers with status N and leads to WHERE.
  local function lead(req, res)
    local status, where = req.path:match("^/(3%d%d)(/.*)$")
    if status then
      res.status = tonumber(status)
      res.headers["Location"] = where
    else
      res:write(req.method, " ", req:read("*a"), " ", req.headers["Cookie"] or "-")
    end
  end

  local function led(url, method, status)
    local res = assert(http.request { url = url .. "/" .. status .. "/end", method = method,
      body = method ~= "HEAD" and method ~= "GET" and "body" or nil, headers = { Cookie = "c" } })
    assert.equal(url .. "/end", res.url)
    return res:read("*a") or ""
  end

  it("is followed, as a GET or as it was", function()
    serving(lead, function(url)
      assert.equal("GET  c", led(url, "POST", 301))
      assert.equal("GET  c", led(url, "POST", 302))
      assert.equal("GET  c", led(url, "PUT", 303))
      assert.equal("PUT body c", led(url, "PUT", 302))
      assert.equal("POST body c", led(url, "POST", 307))
      assert.equal("POST body c", led(url, "POST", 308))
      assert.equal("", led(url, "HEAD", 301))
      assert.equal("GET  c", led(url, "GET", 301))
    end)
  end)

  it("takes no secrets to another host", function()
    serving(lead, function(there)
      serving(function(_, res)
        res.status, res.headers["Location"] = 307, there .. "/end"
      end, function(here)
        local res = assert(http.get(here, { headers = { Cookie = "c" } }))
        assert.same({ there .. "/end", "GET  -" }, { res.url, res:read("*a") })
      end)
    end)
  end)

  it("is not followed for ever, nor to where we cannot go", function()
    serving(function(req, res)
      res.status = 302
      res.headers["Location"] = req.path == "/s" and "file:///etc/passwd" or "/"
    end, function(url)
      assert.equal("ELOOP", (select(3, http.get(url))))
      assert.equal("ELOOP", (select(3, http.get(url, { max_redirects = 2 }))))
      assert.equal(302, assert(http.get(url, { max_redirects = 0 })).status)
      assert.equal("EINVAL", (select(3, http.get(url .. "/s"))))
    end)
  end)

  it("may be relative", function()
    serving(function(req, res)
      if req.query ~= "" then
        res.status, res.headers["Location"] = 302, req.query
      else
        res:write(req.path)
      end
    end, function(url)
      for where, expected in pairs {
        ["/x"] = "/x", ["x"] = "/a/b/x", ["../x"] = "/a/x", ["../../../x/."] = "/x/",
        ["./"] = "/a/b/", [".."] = "/a/", ["//" .. url:sub(8) .. "/y"] = "/y",
      } do
        assert.equal(expected, (assert(http.get(url .. "/a/b/c?" .. where)):read("*a")))
      end
    end)
  end)
end)

if os.execute("command -v python3 >/dev/null 2>&1") == 0 then
  describe("a server of others", function()
    it("Python's http.server gives its files", function()
      local body = ("0123456789"):rep(100000)
      helper.file("page.bin", body)
      local folder = helper.path("")
      local port_file = helper.path("port")
      os.remove(port_file)
      local script = helper.file("server.py", [[
import http.server, os, sys, threading
os.chdir(sys.argv[1])
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=s.serve_forever, daemon=True).start()
with open("port.new", "w") as f:
    f.write(str(s.server_port))
os.rename("port.new", "port")
while os.path.exists("port"):
    threading.Event().wait(0.02)
]])
      os.execute(("timeout 30 python3 %s %s >/dev/null 2>&1 &"):format(script, folder))
      local file = helper.settle(function()
        lagoon.sleep(0.001)
        return io.open(port_file)
      end, "the server listens")
      local url = "http://127.0.0.1:" .. file:read("*a")
      file:close()
      local res = assert(http.get(url .. "/page.bin"))
      assert.same({ 200, #body .. "", true },
        { res.status, res.headers["Content-Length"], res:read("*a") == body })
      res = assert(http.get(url .. "/nothing"))
      assert.equal(404, res.status)
      res:close()
      http.close_idle()
      os.remove(port_file)
    end)
  end)
end
