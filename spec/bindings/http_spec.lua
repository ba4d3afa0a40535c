-- SPDX-License-Identifier: MIT
--
-- lagoon.http: the server, against connections that say exactly what a fact needs, and against
-- programs of others.
local lagoon = require "lagoon"
local helper = require "helper"
local http, net, go, async = lagoon.http, lagoon.net, lagoon.go, lagoon.async

-- A server for the time of f(address, server, log).
local function serving(handler, opts, f)
  if not f then
    opts, f = {}, opts
  end
  local log = {}
  opts.log = opts.log or function(line)
    log[#log + 1] = line
  end
  local server = assert(http.serve("127.0.0.1:0", handler, opts))
  local ok, err = pcall(f, server:addr(), server, log)
  server:close(ok and 5 or 0)
  assert(ok, err)
end

local function dial(address)
  local conn = assert(net.dial("tcp", address))
  conn:set_deadline(10)
  return conn
end

-- Reads a response off a connection: status, fields in lower case, body.
local function response(conn, is_head)
  local first = assert(conn:read("*l"))
  local fields = {}
  for line in conn:lines() do
    if line == "\r" then
      break
    end
    local name, value = line:match("^([^:]+): (.*)\r$")
    fields[name:lower()] = value
  end
  local body = ""
  if fields["transfer-encoding"] == "chunked" and not is_head then
    while true do
      local n = tonumber(conn:read("*l"):match("^(%x+)\r$"), 16)
      body = body .. (n > 0 and conn:read(n) or "")
      assert(conn:read(2) == "\r\n")
      if n == 0 then
        break
      end
    end
  elseif fields["content-length"] and not is_head then
    body = conn:read(tonumber(fields["content-length"])) or ""
  end
  return tonumber(first:match("^HTTP/1.1 (%d%d%d) ")), fields, body
end

-- Sends text over a connection of its own; all that comes back.
local function answer(address, ...)
  local conn = dial(address)
  for _, text in ipairs { ... } do
    assert(conn:write(text))
  end
  local status, fields, body = response(conn)
  local rest = fields.connection == "close" and conn:read("*a") or ""
  conn:close()
  return status, fields, body, rest
end

local function get(path, ...)
  return ("GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n"):format(path, table.concat { ... })
end

local function post(body, ...)
  return ("POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: %d\r\n\r\n%s")
    :format(table.concat { ... }, #body, body)
end

local function hello(_, res)
  res:write("hello")
end

-- Says back what it is sent.
local function echo(req, res)
  res:write((assert(req:read("*a"))))
end

describe("http.serve", function()
  it("tells the handler of the request", function()
    local seen
    serving(function(req, res)
      seen = { req.method, req.path, req.query, req.version, req.host, req.target,
        req.content_length, req:read("*a"), req.headers["x-LIST"], req.headers:all("X-List"),
        req.remote_addr }
      res.status = 201
      res.headers["X-Mine"] = "yes"
      res:write("made ", 1)
    end, function(address)
      local conn = dial(address)
      conn:write("PUT /a%20b/%C3%A4?x=%20&y HTTP/1.1\r\nhost: h:1\r\nX-List: a\r\nx-list: b\r\n",
        "Content-Length: 4\r\n\r\nbody")
      local status, fields, body = response(conn)
      assert.same({ "PUT", "/a b/\195\164", "x=%20&y", "HTTP/1.1", "h:1", "/a%20b/%C3%A4?x=%20&y",
        4, "body", "a", { "a", "b" }, conn:local_addr() }, seen)
      assert.same({ 201, "made 1", "6", "yes" },
        { status, body, fields["content-length"], fields["x-mine"] })
      assert.is_truthy(fields.date:match("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
      conn:close()
    end)
  end)

  it("understands all forms of a target", function()
    serving(function(req, res)
      res:write(req.host, " ", req.path, " ", req.query)
    end, function(address)
      assert.equal("b:80 /p q=1", (select(3, answer(address, get("http://b:80/p?q=1")))))
      assert.equal("b / q", (select(3, answer(address, get("HTTP://b?q")))))
      assert.equal("a * ", (select(3, answer(address, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"))))
      assert.equal(400, (answer(address, get("*"))))
      assert.equal(400, (answer(address, get("path"))))
      assert.equal(400, (answer(address, get("/%2"))))
      assert.equal(400, (answer(address, get("/%zz"))))
      assert.equal(501, (answer(address, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")))
    end)
  end)

  it("keeps a connection for the next request, also of HTTP/1.0 that asks for it", function()
    serving(echo, function(address)
      local conn = dial(address)
      for i = 1, 3 do
        conn:write(post("body " .. i))
        local status, fields, body = response(conn)
        assert.same({ 200, "body " .. i }, { status, body })
        assert.is_nil(fields.connection)
      end
      conn:write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      assert.equal("keep-alive", select(2, response(conn)).connection)
      conn:write("GET / HTTP/1.0\r\n\r\n")
      assert.equal("close", select(2, response(conn)).connection)
      assert.is_nil((conn:read()))
      conn:close()
    end)
  end)

  it("answers pipelined requests in their order, wherever they are cut in two", function()
    local text = post("one") .. get("/two") .. "POST / HTTP/1.1\r\nHost: a\r\n"
      .. "Transfer-Encoding: chunked\r\n\r\n2;x\r\nth\r\n3\r\nree\r\n0\r\nT: x\r\n\r\n"
      .. get("/", "Connection: close\r\n")
    serving(function(req, res)
      res:write(req.path, req:read("*a"))
    end, function(address)
      for cut = 1, #text - 1, helper.is_stress() and 1 or 7 do
        local conn = dial(address)
        conn:write(text:sub(1, cut))
        lagoon.yield()
        conn:write(text:sub(cut + 1))
        for _, expected in ipairs { "/one", "/two", "/three", "/" } do
          assert.equal(expected, (select(3, response(conn))))
        end
        assert.is_nil((conn:read()))
        conn:close()
      end
    end)
  end)

  it("passes over a body that the handler does not read", function()
    serving(hello, function(address)
      local conn = dial(address)
      conn:write(post(("x"):rep(100000)), get("/"))
      assert.equal("hello", (select(3, response(conn))))
      assert.equal("hello", (select(3, response(conn))))
      conn:close()
    end)
  end)

  it("sends no body for HEAD, and its length", function()
    serving(function(req, res)
      res:write(("x"):rep(req.path == "/long" and 10000 or 5))
    end, function(address)
      local conn = dial(address)
      for _, path in ipairs { "/", "/long", "/" } do
        conn:write("HEAD ", path, " HTTP/1.1\r\nHost: a\r\n\r\n")
        local status, fields = response(conn, true)
        assert.equal(200, status)
        assert.equal(path == "/" and "5" or nil, fields["content-length"])
        assert.equal(path == "/long" and "chunked" or nil, fields["transfer-encoding"])
      end
      conn:close()
    end)
  end)

  it("asks for a body that is waited with when it is read, and not before", function()
    serving(function(req, res)
      if req.path == "/no" then
        res.status = 403
      else
        res:write(req:read("*a"))
      end
    end, function(address)
      local conn = dial(address)
      local rest = " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
      conn:write("PUT /", rest)
      assert.equal("HTTP/1.1 100 Continue\r", conn:read("*l"))
      assert.equal("\r", conn:read("*l"))
      conn:write("body")
      assert.equal("body", (select(3, response(conn))))
      conn:write("PUT /no", rest)
      local status, fields = response(conn)
      assert.same({ 403, "close" }, { status, fields.connection })
      conn:close()
    end)
  end)

  it("refuses what the parser refuses, and closes", function()
    serving(hello, function(address)
      for text, expected in pairs {
        ["GET / HTTP/1.1\nHost: a\n\n"] = 400,
        ["GET / HTTP/1.1\r\n\r\n"] = 400,
        ["GET / HTTP/2.0\r\nHost: a\r\n\r\n"] = 505,
        [post("", "Transfer-Encoding: chunked\r\n")] = 400,
        [get("/", "Transfer-Encoding: gzip\r\n")] = 501,
        [get("/", "X: " .. ("x"):rep(70000) .. "\r\n")] = 431,
        [get("/" .. ("x"):rep(70000))] = 414,
        [post("", "Expect: gold\r\n")] = 417,
      } do
        local status, fields, _, rest = answer(address, text)
        assert.same({ expected, "close", "" }, { status, fields.connection, rest })
      end
    end)
  end)

  it("does not take the body of a refused request for another one", function()
    local n = 0
    serving(function() n = n + 1 end, function(address)
      local smuggled = get("/admin")
      local status, _, _, rest = answer(address, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
        .. #smuggled .. "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", smuggled)
      assert.same({ 400, "", 0 }, { status, rest, n })
    end)
  end)

  it("refuses bodies beyond its limit", function()
    serving(echo, { max_body_bytes = 10 }, function(address)
      assert.equal("0123456789", (select(3, answer(address, post("0123456789")))))
      assert.equal(413, (answer(address, post("0123456789x"))))
    end)
    local codes = {}
    serving(function(req, res)
      codes[#codes + 1] = select(3, req:read("*a"))
      if req.path == "/own" then
        res:write("mine")
      end
    end, { max_body_bytes = 10 }, function(address)
      local rest = " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "b\r\n0123456789x\r\n0\r\n\r\n"
      assert.equal(413, (answer(address, "PUT /" .. rest)))
      assert.same({ "EFBIG" }, codes)
    end)
  end)

  it("tells the handler of a body that breaks off or is wrong", function()
    local results = lagoon.chan(1)
    serving(function(req)
      results:send({ req:read("*a") })
      results:send({ req:read() })
    end, function(address)
      local head = "PUT / HTTP/1.1\r\nHost: a\r\n"
      for text, expected in pairs {
        ["Content-Length: 10\r\n\r\nonly"] = { "unexpected end of stream", "EOF" },
        ["Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n"] = { "unexpected end of stream", "EOF" },
        ["Transfer-Encoding: chunked\r\n\r\n4\r\nonly\n"] =
          { "bad line end in a chunked body", "EPROTO" },
      } do
        local conn = dial(address)
        conn:write(head, text)
        conn:close_write()
        assert.same({ nil, unpack(expected) }, (results:recv()))
        assert.same({ "only" }, (results:recv()))
        conn:close()
      end
    end)
  end)

  it("streams a body both ways", function()
    serving(function(req, res)
      for data in function() return req:read(1000) end do
        res:write(data)
      end
    end, { max_body_bytes = math.huge }, function(address)
      local conn = dial(address)
      local random = helper.random()
      local parts = {}
      for i = 1, 200 do
        parts[i] = string.char(random(256) - 1):rep(random(2000))
      end
      go(function()
        conn:write("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _, part in ipairs(parts) do
          conn:write(("%X\r\n"):format(#part), part, "\r\n")
        end
        conn:write("0\r\n\r\n")
      end)
      local _, fields, body = response(conn)
      assert.equal("chunked", fields["transfer-encoding"])
      assert.is_true(body == table.concat(parts))
      conn:close()
    end)
  end)

  it("reads lines of a body", function()
    local lines = {}
    serving(function(req)
      lines = { req:read("*l"), req:read("*L"), req:read(2), req:read("*l"), req:read("*l"),
        req:read("*a") }
    end, function(address)
      answer(address, post("one\ntwo\n\nx\nlast"))
      assert.same({ "one", "two\n", "\nx", "", "last", "" }, lines)
    end)
  end)
end)

describe("a response", function()
  it("that is long is chunked, or tells the length that the handler knows", function()
    local text = ("x"):rep(100000)
    serving(function(req, res)
      if req.path == "/length" then
        res.headers["Content-Length"] = #text
      end
      for i = 1, #text, 1000 do
        assert(res:write(text:sub(i, i + 999)) == 1000)
      end
    end, function(address)
      local _, fields, body = answer(address, get("/"))
      assert.same({ "chunked", nil, true },
        { fields["transfer-encoding"], fields["content-length"], body == text })
      _, fields, body = answer(address, get("/length"))
      assert.same({ "100000", true }, { fields["content-length"], body == text })
      assert.is_nil(fields["transfer-encoding"])
      _, fields, body = answer(address, "GET / HTTP/1.0\r\n\r\n")
      assert.same({ "100000", true }, { fields["content-length"], body == text })
    end)
  end)

  it("goes out when it is flushed", function()
    local more = lagoon.chan()
    serving(function(_, res)
      res:write("first")
      assert(res:flush())
      more:recv()
      res:write("second")
    end, function(address)
      local conn = dial(address)
      conn:write(get("/"))
      local line
      repeat
        line = conn:read("*l")
      until line == "\r"
      assert.equal("5\r\nfirst\r\n", conn:read(10))
      more:send(true)
      assert.equal("6\r\nsecond\r\n0\r\n\r\n", conn:read(16))
      conn:close()
    end)
  end)

  it("cannot be split: what ends a line is refused", function()
    local messages = {}
    serving(function(_, res)
      for _, try in ipairs {
        function() res.headers["X"] = "a\r\nSet-Cookie: b" end,
        function() res.headers["X"] = "a\nb" end,
        function() res.headers:add("X", "a\rb") end,
        function() res.headers:add("X", "a\0b") end,
        function() res.headers["X: a\r\nY"] = "b" end,
        function() res.headers["X Y"] = "b" end,
        function() res.headers[""] = "b" end,
        function() res.headers[1] = "X" end,
        function() res.headers.X = {} end,
      } do
        messages[#messages + 1] = helper.message_of(try)
      end
      res:write("whole")
    end, function(address)
      local status, fields, body = answer(address, get("/"))
      assert.same({ 200, nil, "whole" }, { status, fields.x, body })
      local control = "the value of 'X' has a control character"
      assert.same({ control, control, control, control, "'X: a??Y' is no name of a header",
        "'X Y' is no name of a header", "'' is no name of a header",
        "the name of a header must be a string, not a number",
        "the value of 'X' must be a string, not a table" }, messages)
    end)
  end)

  it("keeps repeated headers apart, and replaces those that are set", function()
    serving(function(_, res)
      res.headers:add("Set-Cookie", "a")
      res.headers:add("set-cookie", "b")
      res.headers["X"] = 1
      res.headers["x"] = 2
      res.headers["Gone"] = "x"
      res.headers["gone"] = nil
      local list = {}
      for name, value in res.headers:each() do
        list[#list + 1] = name .. "=" .. value
      end
      res:write(table.concat(list, " "))
    end, function(address)
      assert.equal("Set-Cookie=a set-cookie=b x=2", (select(3, answer(address, get("/")))))
    end)
  end)

  it("without a body has none", function()
    serving(function(req, res)
      res.status = tonumber(req.path:sub(2))
    end, function(address)
      local conn = dial(address)
      for _, status in ipairs { 204, 304, 200 } do
        conn:write(get("/" .. status))
        local got, fields = response(conn)
        assert.equal(status, got)
        assert.equal(status == 200 and "0" or nil, fields["content-length"])
      end
      conn:close()
    end)
  end)

  it("raises for misuse, which is the handler's error then", function()
    local function status_of(handler)
      local status
      serving(handler, function(address)
        status = (answer(address, get("/")))
      end)
      return status
    end
    assert.equal(500, status_of(function(_, res) res.status = 99 end))
    assert.equal(500, status_of(function(_, res) res.status = "200" end))
    assert.equal(500, status_of(function(_, res) res:write({}) end))
    assert.equal(500, status_of(function(_, res) res.status = 204; res:write("x") end))
    assert.equal(500, status_of(function(_, res) res:write("x"); res.status = 304 end))
    assert.equal(500, status_of(function(_, res) res.headers["Transfer-Encoding"] = "chunked" end))
    assert.equal(500, status_of(function(_, res) res.headers["Content-Length"] = "five" end))
    assert.equal(500, status_of(function(_, res)
      res.headers["Content-Length"] = 3
      res:write("four")
    end))
    assert.equal(500, status_of(function(_, res)
      res.headers["Content-Length"] = 5
      res:write("four")
    end))
    assert.equal(200, status_of(function(_, res)
      res:finish()
      assert(not pcall(res.write, res, "late"))
    end))
  end)
end)

describe("an error in a handler", function()
  it("becomes 500 and a line on the log, and nothing of what was held back goes", function()
    serving(function(_, res)
      res.headers["X"] = "y"
      res:write("half")
      error("no more")
    end, function(address, _, log)
      local status, fields, body = answer(address, get("/a"))
      assert.same({ 500, nil, "Internal Server Error\n", "close" },
        { status, fields.x, body, fields.connection })
      assert.equal(1, #log)
      assert.is_truthy(log[1]:find("^http: GET /a: .*http_spec.lua:%d+: no more\nstack traceback:"))
    end)
  end)

  it("leaves a response broken of which something has gone", function()
    serving(function(req, res)
      if req.path == "/length" then
        res.headers["Content-Length"] = 20000
      end
      res:write(("x"):rep(10000))
      error("no more")
    end, function(address)
      for _, path in ipairs { "/", "/length" } do
        local conn = dial(address)
        conn:write(get(path))
        local text = conn:read("*a")
        assert.is_truthy(text:find("^HTTP/1.1 200 OK\r\n"))
        assert.is_nil(text:find("0\r\n\r\n$"))
        assert.is_true(#text < 20000)
        conn:close()
      end
      -- A client of HTTP/1.0 could not tell: it has got nothing yet.
      assert.equal(500, (answer(address, "GET / HTTP/1.0\r\n\r\n")))
    end)
  end)

  it("ends only its own connection", function()
    serving(function(req, res)
      if req.path == "/bad" then
        error({})
      end
      res:write("fine")
    end, function(address)
      local conn = dial(address)
      conn:write(get("/"))
      response(conn)
      assert.equal(500, (answer(address, get("/bad"))))
      conn:write(get("/"))
      assert.equal("fine", (select(3, response(conn))))
      conn:close()
    end)
  end)
end)

describe("a client that is slow", function()
  it("gets 408 when its head takes too long, from its first byte on", function()
    serving(hello, { header_timeout = 0.05 }, function(address)
      local conn = dial(address)
      conn:write("GET / HTT")
      local status, fields = response(conn)
      assert.same({ 408, "close" }, { status, fields.connection })
      conn:close()
      conn = dial(address)
      assert.equal("", conn:read("*a"))
      conn:close()
    end)
  end)

  it("is closed without a word when it is idle for too long", function()
    serving(hello, { idle_timeout = 0.05 }, function(address)
      local conn = dial(address)
      conn:write(get("/"))
      response(conn)
      assert.equal("", conn:read("*a"))
      conn:close()
    end)
  end)

  it("is told of to a handler that reads its body", function()
    local result
    serving(function(req)
      result = { req:read("*a") }
    end, { io_timeout = 0.05 }, function(address)
      local conn = dial(address)
      conn:write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nonly")
      response(conn)
      assert.same({ nil, "timeout", "ETIMEDOUT" }, result)
      conn:close()
    end)
  end)

  it("is told of to a handler that writes to it", function()
    local results = lagoon.chan(1)
    serving(function(_, res)
      local n, err
      repeat
        n, err = res:write(("x"):rep(1000000))
      until not n
      results:send(err)
    end, { io_timeout = 0.05 }, function(address)
      local conn = dial(address)
      conn:write(get("/"))
      assert.equal("timeout", (results:recv()))
      conn:close()
    end)
  end)

  it("that has gone is told of, too", function()
    local results = lagoon.chan(1)
    serving(function(_, res)
      local n, code, _
      repeat
        n, _, code = res:write(("x"):rep(10000))
      until not n
      results:send(code)
    end, function(address)
      local conn = dial(address)
      conn:write(get("/"))
      conn:read(1)
      conn:close()
      local code = results:recv()
      assert.is_truthy(code == "ECONNRESET" or code == "EPIPE", code)
    end)
  end)
end)

describe("server:close", function()
  it("ends idle connections at once and busy ones with their response", function()
    local inside, go_on = lagoon.chan(), lagoon.chan()
    serving(function(req, res)
      if req.path == "/busy" then
        inside:send(true)
        go_on:recv()
      end
      res:write("done")
    end, function(address, server)
      local idle, busy = dial(address), dial(address)
      idle:write(get("/"))
      response(idle)
      busy:write(get("/busy"))
      inside:recv()
      local closing = helper.parked(async(server.close, server))
      assert.equal("", idle:read("*a"))
      assert.equal("ECONNREFUSED", (select(3, net.dial("tcp", address))))
      assert.equal("waiting", closing:status())
      go_on:send(true)
      local _, fields, body = response(busy)
      assert.same({ "close", "done" }, { fields.connection, body })
      assert.is_true(closing:wait())
      assert.is_true(server:close())
      server:wait()
      idle:close()
      busy:close()
    end)
  end)

  it("closes busy ones, too, when its time is up", function()
    local inside, go_on = lagoon.chan(), lagoon.chan()
    serving(function()
      inside:send(true)
      go_on:recv()
    end, function(address, server)
      local conn = dial(address)
      conn:write(get("/"))
      inside:recv()
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { server:close(0.02) })
      assert.equal("", (conn:read("*a")) or "")
      go_on:send(true)
      server:wait()
      conn:close()
    end)
  end)
end)

-- A server in a group of its own, which has answered on a connection, and is waiting on it.
local function serve_in_group(handler, log)
  local group, server = lagoon.group(), nil
  group:go(function()
    server = assert(http.serve("127.0.0.1:0", handler, { log = function(line)
      log[#log + 1] = line
    end }))
  end)
  group:wait()
  local idle = dial(server:addr())
  idle:write(get("/"))
  assert.equal(200, (response(idle)))
  helper.quiet()
  return group, server, idle
end

local function check_refuses(server, address)
  assert.is_true(server:close(10))
  server:wait()
  assert.equal("ECONNREFUSED", (select(3, net.dial("tcp", address))))
end

describe("a server whose group is cancelled", function()
  it("refuses who comes, ends its connections, is closed at once, and logs nothing", function()
    local log = {}
    local group, server, idle = serve_in_group(function() end, log)
    local address = server:addr()
    group:cancel()
    idle:read("*a")
    check_refuses(server, address)
    helper.quiet()
    assert.same({}, log)
    idle:close()
  end)

  it("is closed also where none of it has begun", function()
    local group, server, address = lagoon.group(), nil, nil
    group:go(function()
      server = assert(http.serve("127.0.0.1:0", function() end))
      address = server:addr()
      group:cancel()
    end)
    group:wait()
    check_refuses(server, address)
  end)
end)

describe("a server whose group is killed", function()
  local function ends_where_it_stands(end_it)
    local log, inside = {}, lagoon.chan()
    local group, server, idle = serve_in_group(function(req)
      if req.path == "/busy" then
        inside:send(true)
        lagoon.sleep(1000)
      end
    end, log)
    local address, busy = server:addr(), dial(server:addr())
    busy:write(get("/busy"))
    inside:recv()
    end_it(group, server)
    assert.is_true(async(server.close, server):wait(10))
    check_refuses(server, address)
    for _, conn in ipairs { idle, busy } do
      assert.is_falsy((conn:read(1)))
      conn:close()
    end
    helper.quiet()
    assert.same({}, log)
  end

  it("refuses who comes, ends its connections, and is closed at once", function()
    ends_where_it_stands(function(group)
      group:kill()
    end)
  end)

  it("is closed also where it was closing, and waited for a handler", function()
    ends_where_it_stands(function(group, server)
      assert.equal("timeout", (select(2, server:close(0))))
      helper.quiet()
      group:kill()
    end)
  end)
end)

describe("the options of http.serve", function()
  it("are checked", function()
    local function message_of(opts)
      return helper.message_of(function() http.serve("127.0.0.1:0", hello, opts) end)
    end
    assert.equal("bad option 'idle_time' of serve (there is none of that name)",
      message_of { idle_time = 1 })
    assert.equal("bad option 'idle_timeout' of serve (number expected)",
      message_of { idle_timeout = "1" })
    assert.equal("bad option 'max_header_bytes' of serve (out of range)",
      message_of { max_header_bytes = 0 })
  end)

  it("name a Unix socket, too", function()
    local path = helper.path("http")
    local server = assert(http.serve(path, hello, { network = "unix" }))
    local conn = assert(net.dial("unix", path))
    conn:write(get("/"))
    assert.equal("hello", (select(3, response(conn))))
    conn:close()
    server:close()
  end)

  it("do not hide what listening says", function()
    serving(hello, function(address)
      assert.equal("EADDRINUSE", (select(3, http.serve(address, hello))))
    end)
  end)
end)

-- Runs a command beside us, and waits for its end: what it printed.
local function peer(command)
  local out, status = helper.path("peer"), helper.path("peer_status")
  os.remove(status)
  os.execute(("{ timeout 20 %s >%s 2>&1 </dev/null; echo $? >%s.new; mv %s.new %s; } &")
    :format(command, out, status, status, status))
  local file = helper.settle(function()
    lagoon.sleep(0.001)
    return io.open(status)
  end, "the peer ends")
  local code = file:read("*n")
  file:close()
  file = assert(io.open(out, "rb"))
  local text = file:read("*a")
  file:close()
  return text, code
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1") == 0
end

describe("a client of others", function()
  if has("curl") then
    it("curl gets pages, sends bodies of both kinds, and keeps its connection", function()
      local peers = {}
      serving(function(req, res)
        peers[req.remote_addr] = true
        echo(req, res)
      end, function(address)
        local url = "http://" .. address .. "/"
        local body = ("0123456789"):rep(20000)
        local file = helper.file("body", body)
        assert.is_true(body == peer("curl -sS --data-binary @" .. file .. " " .. url))
        assert.is_true(body == peer("curl -sS -H 'Transfer-Encoding: chunked' --data-binary @"
          .. file .. " " .. url))
        peers = {}
        local text, code = peer(("curl -sS -d one %s --next -sS -d two %s"):format(url, url))
        assert.same({ "onetwo", 0 }, { text, code })
        local n = 0
        for _ in pairs(peers) do
          n = n + 1
        end
        assert.equal(1, n)
        assert.is_truthy(peer("curl -sS -I " .. url):find("^HTTP/1.1 200 OK\r\n"))
      end)
    end)

    it("curl sees that a response has broken off", function()
      serving(function(_, res)
        res:write(("x"):rep(10000))
        error("broken")
      end, function(address)
        local _, code = peer("curl -sS -o /dev/null http://" .. address .. "/")
        assert.equal(18, code) -- CURLE_PARTIAL_FILE
      end)
    end)
  end

  if has("python3") then
    it("Python's http.client gets several pages over one connection", function()
      serving(function(req, res)
        res.headers["X-Path"] = req.path
        res:write(req.method, " ", req:read("*a"), ("x"):rep(req.path == "/long" and 9000 or 0))
      end, function(address)
        local script = helper.file("client.py", [[
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1])
for method, path, body in (("GET", "/a", None), ("POST", "/long", b"body"),
                           ("PUT", "/c", iter([b"x", b"yz"]))):
    c.request(method, path, body=body, encode_chunked=body is not None and path == "/c",
              headers={"Transfer-Encoding": "chunked"} if path == "/c" else {})
    r = c.getresponse()
    print(r.status, r.getheader("x-path"), len(r.read()))
]])
        assert.equal("200 /a 4\n200 /long 9009\n200 /c 7\n",
          (peer("python3 " .. script .. " " .. address)))
      end)
    end)
  end
end)
