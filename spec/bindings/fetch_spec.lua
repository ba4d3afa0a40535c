-- SPDX-License-Identifier: MIT
--
-- The transfers below the client of lagoon.http: connections that are kept, bodies that flow both
-- ways, what ends them, and proxies. Of what the client does with them, http_client_spec.lua tells.
local lagoon = require "lagoon"
local helper = require "helper"
local http, net, go, async = lagoon.http, lagoon.net, lagoon.go, lagoon.async

local GZIP = ("1f8b0800000000000203cb48cdc9c957c8a03b09002ffaf84878000000"):gsub("%x%x",
  function(digits) return string.char(tonumber(digits, 16)) end)

-- A server of ours for the time of f(url, server).
local function serving(handler, f, opts)
  opts = opts or {}
  opts.log = function() end
  local server = assert(http.serve("127.0.0.1:0", handler, opts))
  local ok, err = pcall(f, "http://" .. server:addr(), server)
  http.close_idle()
  server:close(ok and 5 or 0)
  assert(ok, err)
end

-- The lines of a head, without their ends.
local function read_head(conn)
  local lines = {}
  for line in conn:lines() do
    if line == "\r" then
      return lines
    end
    lines[#lines + 1] = line:sub(1, -2)
  end
end

-- Something that has a goroutine of handle(conn) for each connection, for the time of f(url).
local function listening(handle, f)
  local listener = assert(net.listen("tcp", "127.0.0.1:0"))
  go(function()
    for conn in function() return (listener:accept()) end do
      go(function()
        handle(conn)
        conn:close()
      end)
    end
  end)
  local ok, err = pcall(f, "http://" .. listener:addr())
  http.close_idle()
  listener:close()
  assert(ok, err)
end

local function silent(conn)
  conn:read("*a")
end

describe("a connection", function()
  local function whence(url)
    return (assert(http.get(url)):read("*a"))
  end

  local function tell(req, res)
    if req.path == "/hop" then
      res.status, res.headers["Location"] = 302, "/"
    end
    res:write(req.remote_addr)
  end

  it("is kept for the next request, also behind a redirect, until close_idle", function()
    serving(tell, function(url)
      local first = whence(url)
      assert.equal(first, whence(url))
      assert.equal(first, whence(url .. "/hop"))
      assert.equal(first, assert(http.get(url, { stream = false })).body)
      http.close_idle()
      assert.are_not.equal(first, whence(url))
    end)
  end)

  it("is not kept where the response was not read to its end", function()
    serving(function(req, res)
      res:write(req.remote_addr, "\n")
      if req.path == "/long" then
        res:write(("x"):rep(10000000))
      end
    end, function(url)
      local res = assert(http.get(url .. "/long"))
      local first = res:read("*l")
      res:close()
      assert.are_not.equal(first .. "\n", whence(url))
    end)
  end)

  it("that the server has closed meanwhile is no failure, nor is its body lost", function()
    local nconns = 0
    listening(function(conn)
      nconns = nconns + 1
      read_head(conn)
      local body = conn:read(4)
      conn:write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", body)
    end, function(url)
      for _ = 1, 3 do
        assert.equal("body", (assert(http.request { url = url, method = "POST", body = "body" })
          :read("*a")))
      end
      assert.equal(3, nconns)
    end)
  end)

  it("is a transfer's until that ends, also behind close_idle", function()
    serving(function(_, res)
      res:write("first\n")
      res:flush()
      lagoon.yield()
      res:write(("x"):rep(1000000))
    end, function(url)
      local res = assert(http.get(url))
      http.close_idle()
      assert.equal("first", res:read("*l"))
      assert.equal(200, assert(http.get(url, { stream = false })).status)
      assert.equal(1000000, #res:read("*a"))
    end)
  end)

  it("is one of many at a time", function()
    serving(function(req, res)
      lagoon.sleep(0.001)
      res:write(req.path)
    end, function(url)
      local tasks = {}
      for i = 1, 50 do
        tasks[i] = async(function() return assert(http.get(url .. "/" .. i)):read("*a") end)
      end
      for i, task in ipairs(tasks) do
        assert.equal("/" .. i, (task:wait()))
      end
    end)
  end)
end)

describe("a body that comes", function()
  it("stays with the server while nobody reads it", function()
    local piece, npieces = ("0123456789abcdef"):rep(4096), helper.rounds(160)
    local nwritten = 0
    serving(function(_, res)
      for _ = 1, npieces do
        if not res:write(piece) then
          return
        end
        nwritten = nwritten + 1
      end
    end, function(url)
      local function buffered()
        return lagoon.runtime.stats().memory.uses.buffers
      end
      local before = buffered()
      local res = assert(http.get(url))
      helper.settle(function() return nwritten > 4 end, "the server is ahead")
      local n, most = 0, 0
      for data in function() return (res:read(#piece)) end do
        n = n + #data
        for _ = 1, 20 do
          lagoon.yield()
        end
        most = math.max(most, buffered() - before)
      end
      assert.equal(npieces * #piece, n)
      assert.is_true(most < 1024 * 1024, most)
    end)
  end)

  it("is unpacked where that was asked for", function()
    serving(function(req, res)
      if (req.headers["Accept-Encoding"] or ""):find("gzip") then
        res.headers["Content-Encoding"] = "gzip"
        res:write(GZIP)
      else
        res:write("plain")
      end
    end, function(url)
      assert.equal("plain", (assert(http.get(url)):read("*a")))
      assert.equal(("hello "):rep(20), (assert(http.get(url, { compressed = true })):read("*a")))
    end)
  end)

  it("may be read by lines, or be there at once", function()
    serving(function(_, res)
      res:write("one\ntwo\nthree")
    end, function(url)
      local lines = {}
      for line in assert(http.get(url)):lines() do
        lines[#lines + 1] = line
      end
      assert.same({ "one", "two", "three" }, lines)
      local res = assert(http.get(url, { stream = false }))
      assert.same({ "one\ntwo\nthree" }, { res.body, (res:read()) })
    end)
  end)

  it("ends with an error where the connection is reset", function()
    listening(function(conn)
      conn:read(1) -- the rest is thrown away unread, for which the system resets
      conn:write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    end, function(url)
      local res, err, code = http.get(url, { stream = false })
      assert.is_nil(res)
      assert.is_truthy(err)
      assert.is_truthy(code == "ECONNRESET" or code == "EOF", code)
    end)
  end)

  it("is an error as a whole where it breaks off", function()
    listening(function(conn)
      read_head(conn)
      conn:write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    end, function(url)
      assert.same({ nil, "unexpected end of stream", "EOF" },
        { http.get(url, { stream = false }) })
    end)
  end)

  it("cannot hide behind a head without an end", function()
    listening(function(conn)
      read_head(conn)
      conn:write("HTTP/1.1 200 OK\r\n")
      while conn:write(("X-Name: value\r\n"):rep(100)) do
        lagoon.yield()
      end
    end, function(url)
      assert.same({ nil, "not a response of HTTP/1.1: head too large", "EPROTO" },
        { http.get(url) })
    end)
  end)
end)

describe("a body that goes", function()
  local function count(req, res)
    local n = 0
    for data in function() return (req:read()) end do
      n = n + #data
    end
    res:write(n, " ", req.headers["Transfer-Encoding"] or "-", " ", req.headers["Expect"] or "-")
  end

  it("may come from a function, in pieces, which may wait", function()
    serving(count, function(url)
      local n = 0
      local function pieces()
        n = n + 1
        lagoon.yield()
        return n <= 100 and ("x"):rep(n == 50 and 0 or 1000) or nil
      end
      local res = assert(http.request { url = url, method = "POST", body = pieces })
      assert.equal("99000 chunked 100-continue", res:read("*a"))
    end)
  end)

  it("is announced where it is long, and sent anyway after a while", function()
    serving(count, function(url)
      local function said(size)
        return (assert(http.request { url = url, method = "PUT", body = ("x"):rep(size) })
          :read("*a"))
      end
      assert.equal("1000 - -", said(1000))
      assert.equal("2000000 - 100-continue", said(2000000))
    end)
    listening(function(conn)
      read_head(conn)
      conn:read(2000000)
      conn:write("HTTP/1.1 204 No Content\r\n\r\n")
    end, function(url)
      assert.equal(204,
        assert(http.request { url = url, method = "PUT", body = ("x"):rep(2000000) }).status)
    end)
  end)

  it("is given up where the server does not want it", function()
    serving(function(_, res)
      res.status = 403
      res:write("no")
    end, function(url)
      local n = 0
      local res = assert(http.request { url = url, method = "POST", body = function()
        n = n + 1
        return ("x"):rep(100000)
      end })
      assert.equal(403, res.status)
      assert.equal("no", res:read("*a"))
      assert.is_true(n < 10)
      res = assert(http.request { url = url, method = "POST", body = function()
        return lagoon.chan():recv()
      end })
      res:close()
      assert.same({ nil, "closed" }, { res:read() })
    end)
  end)

  it("raises what its function raises", function()
    serving(count, function(url)
      local function failing(body)
        return helper.error_of(http.request, { url = url, method = "POST", body = body })
      end
      local oops = {}
      assert.equal(oops, failing(function() error(oops) end))
      assert.equal("a body's function must return strings, not a number",
        failing(function() return 1 end))
    end)
  end)

  it("is sent once more where a redirect wants that, if it is a string", function()
    serving(function(req, res)
      if req.path == "/" then
        res.status, res.headers["Location"] = 307, "/there"
      end
      count(req, res)
    end, function(url)
      local res = assert(http.request { url = url, method = "POST", body = "body" })
      assert.same({ url .. "/there", "4 - -" }, { res.url, (res:read("*a")) })
      local n = 0
      res = assert(http.request { url = url, method = "POST", body = function()
        n = n + 1
        return n == 1 and "body" or nil
      end })
      assert.same({ 307, "4 chunked 100-continue" }, { res.status, (res:read("*a")) })
    end)
  end)
end)

describe("a time-out", function()
  local TIMEOUT = { nil, "timeout", "ETIMEDOUT" }

  it("ends a connection that is not accepted", function()
    local listener = assert(net.listen("tcp", "127.0.0.1:0", { backlog = 1 }))
    local conns = {}
    for _ = 1, 5 do -- until the queue is full
      conns[#conns + 1] = net.dial("tcp", listener:addr(), { timeout = 0.02 })
    end
    local result = { http.get("http://" .. listener:addr(), { timeout = 0.03 }) }
    for _, queued in ipairs(conns) do
      queued:close()
    end
    http.close_idle()
    listener:close()
    assert.same(TIMEOUT, result)
  end)

  it("ends a handshake, a head, a body, and what is sent", function()
    listening(silent, function(url)
      assert.same(TIMEOUT, { http.get(url:gsub("http", "https"), { timeout = 0.03 }) })
      assert.same(TIMEOUT, { http.get(url, { timeout = 0.03 }) })
    end)
    listening(function(conn)
      if read_head(conn) then
        conn:write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        silent(conn)
      end
    end, function(url)
      local res
      local seconds = 0.05
      repeat -- a busy machine is late with the head
        res, seconds = http.get(url, { timeout = seconds }), 2 * seconds
      until res
      assert.same(TIMEOUT, { res:read("*a") })
      assert.equal("half", res:read())
      assert.same(TIMEOUT, { res:read() })
      res:close()
    end)
    local done = lagoon.chan()
    listening(function(conn)
      if read_head(conn) then
        conn:write("HTTP/1.1 100 Continue\r\n\r\n")
        done:recv()
      end
    end, function(url)
      assert.same(TIMEOUT, { http.request { url = url, method = "PUT", timeout = 0.05,
        body = ("x"):rep(20000000) } })
      assert.same(TIMEOUT, { http.request { url = url, method = "PUT", timeout = 0.05,
        body = function() return ("x"):rep(100000) end } })
      done:close()
    end)
  end)
end)

describe("a cancellation", function()
  it("ends a transfer wherever it is", function()
    local nasked, nclosed = lagoon.atomic(0), lagoon.atomic(0)
    listening(function(conn)
      local head = read_head(conn)
      if head[1]:find("^GET /body") then
        conn:write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      end
      nasked:add(1)
      silent(conn)
      nclosed:add(1)
    end, function(url)
      local never, res = lagoon.chan(), nil
      for i, ask in ipairs {
        function() return http.get(url) end,
        function()
          res = assert(http.get(url .. "/body"))
          return res:read("*a")
        end,
        function()
          return http.request { url = url, method = "POST", body = function()
            return (never:recv())
          end }
        end,
      } do
        local task = async(ask)
        helper.settle(function() return nasked:get() == i and (i ~= 2 or res) end, "it is asked")
        helper.parked(task)
        task:cancel("enough")
        assert.equal("enough", helper.error_of(function() task:wait() end))
        if i == 2 then
          res:close()
        end
        helper.settle(function() return nclosed:get() == i end, "the connection is closed")
      end
    end)
  end)

  it("of who reads leaves the response to others", function()
    local go_on = lagoon.chan()
    serving(function(_, res)
      res:write("one\n")
      res:flush()
      go_on:recv()
      res:write("two\n")
    end, function(url)
      local res = assert(http.get(url))
      assert.equal("one", res:read("*l"))
      local task = helper.parked(async(function() return res:read("*l") end))
      task:cancel("enough")
      assert.equal("enough", helper.error_of(function() task:wait() end))
      go_on:send(true)
      assert.equal("two", res:read("*l"))
      assert.is_nil((res:read()))
    end)
  end)

  it("is what closing is for others", function()
    listening(function(conn)
      read_head(conn)
      conn:write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
      silent(conn)
    end, function(url)
      local res = assert(http.get(url))
      local task = helper.parked(async(function() return res:read() end))
      res:close()
      assert.same({ nil, "closed" }, { task:wait() })
    end)
  end)
end)

describe("the end of a state", function()
  it("ends its transfers", function()
    local child = helper.script([[
      local lagoon = require "lagoon"
      local listener = assert(lagoon.net.listen("tcp", "127.0.0.1:0"))
      local url = "http://" .. listener:addr()
      lagoon.go(lagoon.http.get, url)
      assert(listener:accept())
      lagoon.parallel(function(there)
        return require("lagoon").http.get(there)
      end, url)
      assert(listener:accept())
      print("both ask")
    ]])
    assert.same({ 0, "both ask\n", "" }, { child.status, child.out, child.err })
  end)

  it("is no end where there is no libcurl", function()
    helper.file("libcurl.so.4", "") -- comes first, and is none
    local child = helper.script([[
      print(require("lagoon").http.get("http://127.0.0.1:1"))
    ]], { env = { LD_LIBRARY_PATH = helper.path("") } })
    os.remove(helper.path("libcurl.so.4"))
    assert.same({ 0, "" }, { child.status, child.err })
    assert.is_truthy(child.out:find("^nil\tno libcurl: .*libcurl.so.4.*\tENOSYS\n$"), child.out)
  end)
end)

describe("a proxy", function()
  local ffi = require "ffi"
  pcall(ffi.cdef, "int setenv(const char *name, const char *value, int replace);"
    .. "int unsetenv(const char *name);")

  local function tell(req, res)
    res:write(req.target)
  end

  it("is asked instead of the server, by option or by environment", function()
    serving(tell, function(proxy)
      local url = "http://nowhere.invalid/page?x"
      assert.equal(url, (assert(http.get(url, { proxy = proxy })):read("*a")))
      ffi.C.setenv("http_proxy", proxy, 1)
      local text = http.get(url)
      ffi.C.unsetenv("http_proxy")
      assert.equal(url, (assert(text):read("*a")))
    end)
  end)

  it("is not asked where there is to be none", function()
    serving(tell, function(url)
      ffi.C.setenv("http_proxy", "http://127.0.0.1:1", 1)
      local res, err = http.get(url .. "/", { proxy = "" })
      ffi.C.unsetenv("http_proxy")
      assert.equal("/", (assert(res, err):read("*a")))
    end)
  end)

  it("may refuse", function()
    serving(function(_, res)
      res.status = 403
    end, function(proxy)
      local res, err, code = http.get("https://nowhere.invalid/", { proxy = proxy })
      assert.same({ nil, "ECONNREFUSED" }, { res, code })
      assert.is_truthy(err:find("CONNECT"), err)
    end)
  end)
end)
