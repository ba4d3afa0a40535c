-- SPDX-License-Identifier: MIT
--
-- TLS of lagoon.net and of http.serve, against programs of others.
local lagoon = require "lagoon"
local helper = require "helper"
local certificates = require "certificates"
local net, http, process = lagoon.net, lagoon.http, lagoon.process

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == 0
end

if not certificates.can_be_made() then
  return
end

-- Both of its outputs as one.
local function openssl(...)
  return assert(process.spawn("bash", { "-c", 'exec openssl "$@" 2>&1', "openssl", ... },
    { stderr = "null" }))
end

local function finish(child)
  child.stdin:close()
  child:kill("SIGKILL")
  child:wait()
  child.stdout:close()
end

-- Reads lines until one has a text in it.
local function skip_to(stream, text)
  for line in stream:lines() do
    if line:find(text, 1, true) then
      return line
    end
  end
  error("the stream ends without " .. text, 2)
end

-- A client of openssl's, connected to a server of ours.
local function with_client(arguments, f)
  local listener = assert(net.listen("tcp", "127.0.0.1:0", { tls = certificates.server() }))
  local child = openssl("s_client", "-connect", listener:addr(), "-servername", "localhost",
    "-CAfile", certificates.path("ca.pem"), "-verify_return_error", unpack(arguments))
  local conn = assert(listener:accept())
  f(conn, child)
  conn:close()
  finish(child)
  listener:close()
end

describe("openssl s_client", function()
  for _, version in ipairs { "1.2", "1.3" } do
    it("speaks TLS " .. version .. " with a server of ours", function()
      with_client({ "-tls" .. version:gsub("%.", "_") }, function(conn, child)
        child.stdin:write("hello\n")
        assert.equal("hello", conn:read("*l"))
        assert.equal("TLSv" .. version, conn:tls().version)
        assert.equal("localhost", conn:tls().server_name)
        conn:write("world\n")
        assert.equal("world", skip_to(child.stdout, "world"))
        conn:close()
        child.stdout:read("*a")
        assert.same({ code = 0 }, child:wait())
      end)
    end)
  end

  it("changes keys, and asks for ours to be changed", function()
    with_client({ "-tls1_3" }, function(conn, child)
      for _, line in ipairs { "one\n", "k\n", "two\n", "K\n", "three\n" } do
        child.stdin:write(line)
        if #line > 2 then
          assert.equal(line, conn:read("*L"))
          conn:write("to ", line)
          skip_to(child.stdout, "to " .. line:sub(1, -2))
        else
          skip_to(child.stdout, "KEYUPDATE") -- a command is one for what is read at once
        end
      end
    end)
  end)

  it("cannot renegotiate", function()
    with_client({ "-tls1_2" }, function(conn, child)
      child.stdin:write("one\n")
      assert.equal("one", conn:read("*l"))
      child.stdin:write("R\n")
      assert.is_nil((conn:read())) -- it gives up, in one way or another
      assert.same({ code = 1 }, child:wait())
    end)
  end)
end)

describe("openssl s_server", function()
  local function with_server(arguments, f)
    local server = certificates.server()
    local child = openssl("s_server", "-accept", "127.0.0.1:0", "-cert", server.cert,
      "-key", server.key, unpack(arguments))
    f(skip_to(child.stdout, "ACCEPT"):match("127%.0%.0%.1:%d+"), child)
    finish(child)
  end

  it("speaks TLS 1.2 and a protocol with a client of ours", function()
    with_server({ "-tls1_2", "-alpn", "imap" }, function(place, child)
      local conn = assert(net.dial("tcp", place,
        { tls = { ca = certificates.path("ca.pem"), alpn = { "imap" } } }))
      assert.same({ "TLSv1.2", "imap" }, { conn:tls().version, conn:alpn() })
      conn:write("hello\n")
      assert.equal("hello", skip_to(child.stdout, "hello"))
      child.stdin:write("world\n")
      assert.equal("world", conn:read("*l"))
      conn:close()
    end)
  end)

  it("that is too old is refused", function()
    with_server({ "-tls1_2" }, function(place)
      local conn, err, code = net.dial("tcp", place,
        { tls = { ca = certificates.path("ca.pem"), min_version = "1.3" } })
      assert.is_nil(conn)
      assert.is_truthy(err:find("alert protocol version"))
      assert.equal("ETLS", code)
    end)
  end)

  it("that is killed has cut its stream", function()
    with_server({}, function(place, child)
      local conn = assert(net.dial("tcp", place, { tls = { ca = certificates.path("ca.pem") } }))
      child.stdin:write("half")
      child:kill("SIGKILL")
      local data, err = conn:read("*a")
      assert.is_nil(data)
      assert.is_truthy(err)
      conn:close()
    end)
  end)
end)

describe("http.serve with TLS", function()
  local function serving(handler, f)
    local log = {}
    local server = assert(http.serve("127.0.0.1:0", handler, {
      tls = certificates.server(),
      log = function(line)
        log[#log + 1] = line
      end,
    }))
    local ok, err = pcall(f, server:addr())
    server:close(ok and 5 or 0)
    assert(ok, err)
    assert.same({}, log)
  end

  local function curl(...)
    local out, exit = assert(process.run("curl", { "-sS", ... }, { timeout = 10 }))
    return out, exit.code
  end

  if has("curl") then
    it("is https for curl, which sends and gets bodies", function()
      serving(function(req, res)
        res.headers["X-Tls"] = req.tls.version .. " " .. req.tls.alpn
        res:write(req:read("*a"))
      end, function(address)
        local ca, url = certificates.path("ca.pem"), "https://" .. address .. "/"
        local body = ("0123456789"):rep(20000)
        local file = helper.file("body", body)
        assert.is_true(body == curl("--cacert", ca, "--data-binary", "@" .. file, url))
        assert.is_truthy(curl("--cacert", ca, "-i", "-d", "x", "--tls-max", "1.2", url)
          :find("X-Tls: TLSv1.2 http/1.1\r\n", 1, true))
        assert.equal("onetwo", (curl("--cacert", ca, "-d", "one", url, "--next", "-sS",
          "--cacert", ca, "-d", "two", url)))
        assert.equal(60, select(2, curl(url))) -- CURLE_PEER_FAILED_VERIFICATION
      end)
    end)
  end

  it("closes on who speaks none, and goes on", function()
    serving(function(_, res)
      res:write("hello")
    end, function(address)
      local plain = assert(net.dial("tcp", address))
      plain:write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      local answer = plain:read("*a")
      assert.is_true(not answer or not answer:find("HTTP"))
      plain:close()
      local conn = assert(net.dial("tcp", address, { tls = { ca = certificates.path("ca.pem") } }))
      conn:write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      assert.is_truthy(conn:read("*a"):find("\r\n\r\nhello$"))
      conn:close()
    end)
  end)
end)
