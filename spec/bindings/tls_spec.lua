-- SPDX-License-Identifier: MIT
--
-- TLS of lagoon.net, between two of ours: who is let in, and what becomes of bytes.
local lagoon = require "lagoon"
local helper = require "helper"
local certificates = require "certificates"
local net, go, async = lagoon.net, lagoon.go, lagoon.async

if not certificates.can_be_made() then
  return
end

local MB = 1024 * 1024

local function with(options, more)
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return options
end

local function trusting(more)
  return with({ ca = certificates.path("ca.pem") }, more)
end

local function listen(opts)
  local listener = assert(net.listen("tcp", "127.0.0.1:0", { tls = opts or certificates.server() }))
  return listener, listener:addr()
end

-- Both ends, and what their handshakes gave: { conn or nil, err, code }.
local function meet(server, client, host)
  local listener, place = listen(server)
  if host then
    place = place:gsub("^[^:]*", host)
  end
  local dialer = async(net.dial, "tcp", place, { tls = client or trusting(), timeout = 10 })
  local there = assert(listener:accept())
  local served = { there:handshake(10) }
  local dialed = { dialer:wait() }
  listener:close()
  return dialed, served, there
end

local function pair(server, client, host)
  local dialed, served, there = meet(server, client, host)
  assert(dialed[1], dialed[2])
  assert(served[1], served[2])
  return dialed[1], there
end

local function close(...)
  for _, conn in ipairs { ... } do
    conn:close()
  end
end

-- How a client's handshake fails, and the server's.
local function refusal(server, client, host)
  local dialed, served, there = meet(server, client, host)
  there:close()
  assert.is_nil(dialed[1])
  return { dialed[2], dialed[3] }, { served[2], served[3] }
end

-- A connection through a wire that can be cut: bytes of the client's pass until wire(bytes), which
-- may change them, gives none.
local function through(wire, f)
  local listener, place = listen()
  local plain = assert(net.listen("tcp", "127.0.0.1:0"))
  local dialer = async(net.dial, "tcp", plain:addr(), { tls = trusting() })
  local outer, inner = assert(plain:accept()), assert(net.dial("tcp", place))
  local function pass(from, to, change)
    for bytes in function() return (from:read()) end do
      bytes = change and change(bytes) or not change and bytes
      if not bytes or not to:write(bytes) then
        break
      end
    end
    close(from, to)
  end
  go(pass, outer, inner, wire)
  go(pass, inner, outer)
  local there = assert(listener:accept())
  assert(there:handshake())
  local here = assert(dialer:wait())
  close(listener, plain)
  f(here, there)
  close(here, there, outer, inner)
end

describe("net.dial with TLS", function()
  it("takes a server whose certificate is for the name or the address", function()
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local here, there = pair(nil, nil, host)
      assert.equal("/CN=localhost", here:tls().peer)
      assert.equal(host == "localhost" and host or nil, there:tls().server_name)
      close(here, there)
    end
    close(pair(nil, trusting { server_name = "localhost" }))
  end)

  it("takes no other one, and says why", function()
    local verify = "certificate verify failed: "
    local function why(name, client, host)
      local here, there = refusal(certificates.server(name), client, host)
      assert.equal("ECERT", here[2])
      assert.equal("ETLS", there[2])
      assert.is_truthy(there[1]:find("alert"))
      return here[1]
    end
    assert.equal(verify .. "self-signed certificate", why("alone"))
    assert.equal(verify .. "certificate has expired", why("old"))
    assert.equal(verify .. "hostname mismatch", why("other", nil, "localhost"))
    assert.equal(verify .. "IP address mismatch", why("other"))
    assert.equal(verify .. "hostname mismatch",
      why("localhost", trusting { server_name = "other.example" }))
    assert.equal(verify .. "unable to get local issuer certificate", why("localhost", true))
  end)

  it("takes any with verify = false", function()
    for _, name in ipairs { "alone", "old", "other" } do
      local here, there = pair(certificates.server(name), { verify = false })
      here:write("hello")
      assert.equal("hello", there:read(5))
      close(here, there)
    end
  end)

  it("takes texts as well as paths", function()
    local function text(name)
      return lagoon.fs.read(certificates.path(name))
    end
    close(pair({ cert = text("localhost.pem") .. text("key.pem") }, { ca = text("ca.pem") }))
  end)

  it("trusts whom the system trusts", function()
    local listener, place = listen()
    local script = helper.file("client.lua", [[
      local conn = assert(require("lagoon").net.dial("tcp", arg[1], { tls = true }))
      conn:write("hello")
      conn:close()
    ]])
    local child = assert(lagoon.process.spawn("env",
      { "SSL_CERT_FILE=" .. certificates.path("ca.pem"), helper.program, script, place },
      { stdin = "null", stdout = "null", stderr = "inherit" }))
    listener:set_deadline(10)
    local there = assert(listener:accept())
    assert.equal("hello", there:read("*a"))
    assert.same({ code = 0 }, child:wait())
    close(there, listener)
  end)

  it("agrees on a protocol", function()
    local server = with(certificates.server(), { alpn = { "h2", "http/1.1" } })
    local here, there = pair(server, trusting { alpn = { "http/1.1", "h2" } })
    assert.same({ "h2", "h2" }, { here:alpn(), there:alpn() })
    close(here, there)
    here, there = pair(server)
    assert.same({}, { here:alpn(), there:alpn() })
    close(here, there)
    local _, served = refusal(server, trusting { alpn = { "imap" } })
    assert.same({ "no application protocol", "ETLS" }, served)
  end)

  it("tells what was agreed on, once it is", function()
    local listener, place = listen()
    local dialer = async(net.dial, "tcp", place, { tls = trusting { min_version = "1.3" } })
    local there = assert(listener:accept())
    assert.is_nil(there:tls())
    assert.is_true(there:handshake())
    assert.is_true(there:handshake())
    local here = assert(dialer:wait())
    assert.equal("TLSv1.3", there:tls().version)
    assert.is_truthy(here:tls().cipher:find("^TLS_"))
    close(here, there, listener)
    assert.is_nil(here:tls())
  end)

  it("shows a certificate to a server that asks for one", function()
    local server = with(certificates.server(), { ca = certificates.path("ca.pem") })
    local here, there = pair(server, with(trusting(), certificates.server()))
    assert.equal("/CN=localhost", there:tls().peer)
    close(here, there)
    local dialed, served
    dialed, served, there = meet(server)
    assert.same({ "peer did not return a certificate", "ETLS" }, { served[2], served[3] })
    -- The client is through before the server has looked.
    local _, err, code = assert(dialed[1], dialed[2]):read()
    assert.is_truthy(err:find("certificate required"))
    assert.equal("ETLS", code)
    close(dialed[1], there)
  end)

  it("says what is wrong with who speaks no TLS", function()
    local plain = assert(net.listen("tcp", "127.0.0.1:0"))
    local dialer = async(net.dial, "tcp", plain:addr(), { tls = trusting() })
    local there = assert(plain:accept())
    there:write("220 welcome\r\n")
    assert.same({ nil, "wrong version number", "ETLS" }, { dialer:wait() })
    close(there, plain)
  end)

  it("ends with its time-out while nobody answers", function()
    local plain = assert(net.listen("tcp", "127.0.0.1:0"))
    local dialer = async(net.dial, "tcp", plain:addr(), { tls = trusting(), timeout = 0.05 })
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { dialer:wait() })
    close(plain)
  end)

  it("ends with its task while nobody answers, and closes the connection", function()
    local plain = assert(net.listen("tcp", "127.0.0.1:0"))
    local dialer = async(net.dial, "tcp", plain:addr(), { tls = trusting() })
    local there = assert(plain:accept())
    assert(there:read(1)) -- it has begun
    helper.parked(dialer):cancel()
    assert.equal("cancelled", helper.error_of(dialer.wait, dialer))
    assert.is_truthy(there:read("*a"))
    close(there, plain)
  end)

  it("raises for what makes no sense", function()
    local function message(tls)
      return helper.message_of(function() net.dial("tcp", "127.0.0.1:1", { tls = tls }) end)
    end
    assert.equal("bad option 'tls' (a table or true expected)", message("yes"))
    assert.equal("bad option 'verified' of tls (there is none of that name)",
      message { verified = true })
    assert.equal("bad option 'ca' of tls (string expected)", message { ca = 5 })
    assert.equal("bad option 'min_version' of tls ('1.2' or '1.3' expected)",
      message { min_version = "1.1" })
    assert.equal("bad option 'alpn' of tls (names of protocols expected)",
      message { alpn = { "a,b" } })
    assert.equal("bad option 'key' of tls (there is no cert for it)", message { key = "k" })
    assert.equal("bad option 'tls' (there is no server_name to verify)",
      helper.message_of(function() net.dial("unix", "/nowhere", { tls = true }) end))
    assert.equal("bad option 'tls' (a server needs cert)",
      helper.message_of(function() net.listen("tcp", "127.0.0.1:0", { tls = {} }) end))
  end)
end)

describe("net.listen with TLS", function()
  it("says what it cannot use", function()
    local function failure(opts)
      return { net.listen("tcp", "127.0.0.1:0", { tls = with(certificates.server(), opts) }) }
    end
    local path = certificates.path
    assert.same({ nil, "cert: no such file or directory", "ENOENT" },
      failure { cert = path("none") })
    assert.same({ nil, "cert: no start line", "ETLS" }, failure { cert = path("request.pem") })
    assert.same({ nil, "key: key values mismatch", "ETLS" }, failure { key = path("ca.key") })
    assert.equal("ETLS", failure { key = path("locked.pem") }[3])
    assert.same({ nil, "ca: no start line", "ETLS" }, failure { ca = path("key.pem") })
  end)

  it("is held up by no client that is slow", function()
    local listener, place = listen()
    local slow = assert(net.dial("tcp", place))
    local held = assert(listener:accept())
    local dialer = async(net.dial, "tcp", place, { tls = trusting() })
    local there = assert(listener:accept())
    assert.is_true(there:handshake())
    local waits = helper.parked(async(held.handshake, held))
    assert.is_truthy(helper.message_of(function() held:handshake() end):find("another goroutine"))
    held:set_deadline(0.01)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { waits:wait() })
    held:set_deadline()
    waits = helper.parked(async(held.read, held))
    held:close()
    assert.same({ nil, "closed" }, { waits:wait() })
    close(slow, there, assert(dialer:wait()), listener)
  end)

  it("says what is wrong with a client that speaks none", function()
    local listener, place = listen()
    local plain = assert(net.dial("tcp", place))
    local there = assert(listener:accept())
    plain:write("GET / HTTP/1.1\r\n\r\n")
    assert.same({ nil, "http request", "ETLS" }, { there:read() })
    assert.same({ nil, "http request", "ETLS", 0 }, { there:write("x") })
    close(plain, there, listener)
  end)
end)

describe("a connection with TLS", function()
  it("carries much both ways at once, whoever shakes hands", function()
    local listener, place = listen()
    local dialer = async(net.dial, "tcp", place, { tls = trusting() })
    local there = assert(listener:accept())
    local text = ("0123456789abcde\n"):rep(MB / 16)
    local function exchange(conn)
      local written = async(function()
        assert.equal(#text, conn:write(text))
        return conn:close_write()
      end)
      assert.is_true(conn:read("*a") == text)
      assert.is_true(written:wait())
    end
    local served = async(exchange, there)
    local here = assert(dialer:wait())
    exchange(here)
    served:wait()
    close(here, there, listener)
  end)

  it("gives what has arrived, so many bytes, lines, and all the rest", function()
    local here, there = pair()
    there:write("some")
    assert.equal("some", here:read())
    there:write(("x"):rep(100000), "one\ntw", "o\r\n", "last")
    for n = 1, 300 do -- records and pieces of memory end anywhere
      assert.equal(n, #here:read(n))
    end
    assert.equal(100000 - 300 * 301 / 2, #here:read(100000 - 300 * 301 / 2))
    assert.equal("one", here:read("*l"))
    assert.equal("two\r\n", here:read("*L"))
    there:close_write()
    assert.equal("last", here:read("*a"))
    close(here, there)
  end)

  it("waits for what it needs, however small the pieces", function()
    local here, there = pair()
    local task = async(here.read, here, 10)
    for i = 0, 9 do
      helper.parked(task)
      there:write(i)
      lagoon.yield()
    end
    assert.equal("0123456789", task:wait())
    close(here, there)
  end)

  it("ends its stream with close_write, and reads on", function()
    local here, there = pair()
    assert.is_true(here:close_write())
    assert.is_true(here:close_write())
    assert.same({ nil, "closed", nil, 0 }, { here:write("x") })
    assert.is_nil((there:read()))
    assert.equal(5, there:write("still"))
    there:close()
    assert.equal("still", here:read("*a"))
    close(here)
  end)

  it("is not at its end where the wire was cut", function()
    local is_cut = false
    through(function(bytes)
      return not is_cut and bytes
    end, function(here, there)
      here:write("half")
      assert.equal("half", there:read(4))
      local reader = helper.parked(async(there.read, there, "*a"))
      is_cut = true
      here:write("the rest")
      assert.same({ nil, "unexpected eof while reading", "ETLS" }, { reader:wait() })
      assert.same({ nil, "unexpected eof while reading", "ETLS" }, { here:read() })
    end)
  end)

  it("gives with an error what came before", function()
    local is_bad = false
    through(function(bytes)
      return is_bad and bytes:sub(1, -2) .. string.char((bytes:byte(-1) + 1) % 256) or bytes
    end, function(here, there)
      here:write("good")
      assert.equal("good", there:read(4))
      local reader = helper.parked(async(there.read, there, "*a"))
      here:write("also good")
      lagoon.yield()
      is_bad = true
      here:write("forged")
      local data, err, code = reader:wait()
      assert.same({ nil, "decryption failed or bad record mac", "ETLS" }, { data, err, code })
    end)
  end)

  it("tells how much of a write is gone, which then is the last one", function()
    local here, there = pair()
    here:set_deadline(0.05)
    local _, err, code, gone = here:write(("x"):rep(32 * MB))
    assert.same({ "timeout", "ETIMEDOUT" }, { err, code })
    assert.is_true(gone > 0 and gone < 32 * MB)
    here:set_deadline()
    assert.equal("EPIPE", select(3, here:write("y")))
    here:close()
    local data, cut, why, partial = there:read("*a")
    assert.same({ nil, "unexpected eof while reading", "ETLS" }, { data, cut, why })
    assert.equal(gone, #partial)
    assert.is_true(partial == ("x"):rep(gone))
    close(there)
  end)

  it("loses nothing to a deadline or a cancellation", function()
    local here, there = pair()
    there:write("half")
    here:set_deadline(0.005)
    assert.same({ nil, "timeout", "ETIMEDOUT" }, { here:read(8) })
    here:set_deadline()
    local task = helper.parked(async(here.read, here, "*l"))
    task:cancel()
    assert.equal("cancelled", helper.error_of(task.wait, task))
    there:write("full\n")
    assert.equal("halffull", here:read("*l"))
    close(here, there)
  end)

  it("tells who waits in it that it was closed", function()
    local here, there = pair()
    local reader = helper.parked(async(here.read, here))
    local writer = helper.parked(async(here.write, here, ("x"):rep(32 * MB)))
    here:close()
    assert.same({ nil, "closed" }, { reader:wait() })
    local _, err = writer:wait()
    assert.equal("closed", err)
    close(there)
  end)

  it("is cut for the other side when nobody holds it any more", function()
    local there = (function()
      local here, there = pair()
      here:write("x")
      return there
    end)()
    assert.equal("x", there:read(1))
    local reader = helper.parked(async(there.read, there))
    helper.settle(function()
      collectgarbage()
      return reader:status() == "done"
    end)
    assert.same({ nil, "unexpected eof while reading", "ETLS" }, { reader:wait() })
    close(there)
  end)
end)
