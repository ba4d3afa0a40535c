-- SPDX-License-Identifier: MIT
--
-- http.serve with workers: a server on several cores.
local lagoon = require "lagoon"
local helper = require "helper"
local certificates = require "certificates"
local http, net, chan, async = lagoon.http, lagoon.net, lagoon.chan, lagoon.async

-- A function of a spec travels without busted's environment.
local function plain(f)
  return setfenv(f, getfenv(0))
end

-- Tells in which state it runs.
local which = plain(function(_, res)
  res:write(tostring(package.loaded))
end)

local function serving(handler, opts, f)
  local log = {}
  opts.log = opts.log or function(line)
    log[#log + 1] = line
  end
  local server = assert(http.serve("127.0.0.1:0", plain(handler), opts))
  local ok, err = pcall(f, server, "http://" .. server:addr() .. "/", log)
  server:close(ok and 10 or 0)
  assert(ok, err)
end

-- The body of an answer over a connection of its own.
local function ask(url)
  local conn = assert(net.dial("tcp", (url:match("//(.-)/"))))
  conn:write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
  local response = conn:read("*a")
  conn:close()
  return assert(response:match("^HTTP/1.1 200 OK\r\n.-\r\n\r\n(.*)$"), response)
end

describe("http.serve with workers", function()
  it("has requests answered by all of them, and not by this state", function()
    serving(which, { workers = 3 }, function(_, url)
      local seen, n, tries = {}, 0, 0
      while n < 3 and tries < 300 do
        local state = ask(url)
        n = n + (seen[state] and 0 or 1)
        seen[state] = true
        tries = tries + 1
      end
      assert.equal(3, n)
      assert.is_nil(seen[tostring(package.loaded)])
    end)
  end)

  it("speaks TLS in all of them", function()
    if not certificates.can_be_made() then
      return
    end
    local handler = function(req, res)
      res:write(tostring(package.loaded), " ", req.tls.version, " ", req.tls.alpn or "")
    end
    serving(handler, { workers = 2, tls = certificates.server() }, function(server)
      local url = "https://localhost" .. server:addr():match(":%d+")
      local ca = certificates.path("ca.pem")
      local seen, n, tries = {}, 0, 0
      while n < 2 and tries < 300 do
        local res = assert(http.get(url, { ca = ca }))
        local state, version, alpn = res:read("*a"):match("^(.*) (%S+) (%S+)$")
        http.close_idle() -- the next one may get to the other
        assert.same({ "TLSv1.3", "http/1.1" }, { version, alpn })
        n = n + (seen[state] and 0 or 1)
        seen[state] = true
        tries = tries + 1
      end
      assert.equal(2, n)
      assert.equal("ECERT", (select(3, http.get(url)))) -- nobody it trusts
    end)
    http.close_idle()
  end)

  it("has one address, free afterwards, and nobody else's", function()
    local address
    serving(which, { workers = 2 }, function(server)
      address = server:addr()
      assert.is_truthy(address:match("^127%.0%.0%.1:%d+$"))
      local other, _, code = http.serve(address, which, { workers = 2 })
      assert.is_nil(other)
      assert.equal("EADDRINUSE", code)
      assert.equal("EADDRINUSE", (select(3, net.listen("tcp", address))))
    end)
    local listener = assert(net.listen("tcp", address))
    assert.equal("EADDRINUSE", (select(3, http.serve(address, which, { workers = 2 }))))
    listener:close()
  end)

  it("listens on all addresses without a host", function()
    local server = assert(http.serve(":0", which, { workers = 1 }))
    assert.is_truthy(ask("http://127.0.0.1:" .. server:addr():match("%d+$") .. "/"))
    server:close()
    server:wait()
  end)

  it("finishes what is under way when it is closed, in all states", function()
    local begun, may_end = chan(10), chan()
    serving(function(_, res)
      begun:send(true)
      may_end:recv()
      res:write("done")
    end, { workers = 2 }, function(server, url)
      local tasks = {}
      for i = 1, 6 do
        tasks[i] = async(ask, url)
        begun:recv()
      end
      local closer = helper.parked(async(server.close, server))
      helper.settle(function()
        return (select(3, net.dial("tcp", (url:match("//(.-)/"))))) == "ECONNREFUSED"
      end)
      assert.equal("waiting", closer:status())
      may_end:close()
      for i = 1, 6 do
        assert.equal("done", tasks[i]:wait())
      end
      assert.is_true(closer:wait())
      assert.is_nil((server:addr()))
    end)
  end)

  for _, ending in ipairs { "cancel", "kill" } do
    it("is closed by the end of its group: " .. ending, function()
      local group, log, started, server = lagoon.group(), {}, chan(10), nil
      group:go(function()
        server = assert(http.serve("127.0.0.1:0", plain(function()
          started:send(true)
          lagoon.sleep(1000)
        end), { workers = 2, log = function(line)
          log[#log + 1] = line
        end }))
      end)
      group:wait()
      local address = server:addr()
      local conn = assert(net.dial("tcp", address))
      conn:set_deadline(10)
      conn:write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      started:recv()
      group[ending](group)
      assert.is_true(server:close(10))
      server:wait()
      assert.equal("ECONNREFUSED", (select(3, net.dial("tcp", address))))
      conn:read("*a")
      conn:close()
      for _, line in ipairs(log) do
        assert.is_truthy(line:find("http: GET /", 1, true), line) -- a handler's
      end
    end)
  end

  it("lets go of what the handler holds when it has ended, though that was compiled", function()
    local core = require "lagoon.core"
    local function serve_one_that_holds_a_channel()
      local held = chan(1)
      serving(function(_, res)
        held:try_send(true)
        res:write("done")
      end, { workers = 1 }, function(_, url)
        for _ = 1, 300 do
          assert.equal("done", http.get(url):read("*a")) -- over one connection: a hot loop
        end
      end)
      return core.chan_info(held).number
    end
    local number = serve_one_that_holds_a_channel()
    helper.settle(function()
      helper.collect()
      for _, info in ipairs(core.channels()) do
        if info.number == number then
          return false
        end
      end
      return true
    end, "nobody holds the channel")
  end)

  it("closes what is under way when the time is over", function()
    local started, gate = chan(10), chan()
    serving(function(_, res)
      started:send(true)
      gate:recv()
      res:write("too late")
    end, { workers = 2 }, function(server, url)
      local task = async(http.get, url)
      started:recv()
      assert.same({ nil, "timeout", "ETIMEDOUT" }, { server:close(0.01) })
      assert.is_nil((task:wait()))
      gate:close()
      server:wait()
    end)
  end)

  it("refuses a handler that cannot be sent, at the script's line", function()
    local n = 0
    local message = helper.message_of(function()
      http.serve("127.0.0.1:0", plain(function()
        n = n + 1
      end), { workers = 2 })
    end)
    assert.is_truthy(message:find("assigns the captured variable 'n'", 1, true), message)
    local thread = coroutine.create(function() end)
    message = helper.message_of(function()
      http.serve("127.0.0.1:0", plain(function()
        return thread
      end), { workers = 1 })
    end)
    assert.is_truthy(message:find("cannot send a coroutine (at argument #1.handler", 1, true),
      message)
  end)

  it("says what is wrong with the option", function()
    for _, n in ipairs { 0, 1.5, 257, "two" } do
      assert.is_truthy(helper.message_of(function()
        http.serve("127.0.0.1:0", which, { workers = n })
      end):find("bad option 'workers' of serve"))
    end
    assert.is_truthy(helper.message_of(function()
      http.serve("/nowhere", which, { workers = 2, network = "unix" })
    end):find("unix"))
  end)

  it("has errors of handlers logged here", function()
    serving(function()
      error("oh no")
    end, { workers = 2 }, function(_, url, log)
      local response = http.get(url)
      assert.equal(500, response.status)
      response:read("*a")
      helper.settle(function()
        return log[1]
      end)
      assert.is_truthy(log[1]:find("oh no"))
    end)
  end)

  it("says what keeps a worker from beginning", function()
    local remote = setmetatable({}, { __transfer = function()
      return plain(function()
        error("not here")
      end)
    end })
    local log = {}
    local server, err = http.serve("127.0.0.1:0", plain(function()
      return remote
    end), { workers = 2, log = function(line)
      log[#log + 1] = line
    end })
    assert.is_nil(server)
    assert.is_truthy(err:find("not here"))
    helper.settle(function()
      return log[2]
    end)
    assert.is_truthy(log[1]:find("^http: worker %d: .*not here"))
  end)

  it("lets handlers start tasks, and blocking calls go on beside it", function()
    local limit = lagoon.runtime.blocking_limit(1)
    serving(function(_, res)
      local l = require "lagoon"
      res:write(l.parallel(function()
        return "from elsewhere"
      end):wait())
    end, { workers = 2 }, function(_, url)
      assert.equal("from elsewhere", ask(url))
      if not helper.is_hosted() then -- it has no threads for them
        assert.equal("blocked", lagoon.blocking(plain(function()
          return "blocked"
        end)))
      end
    end)
    lagoon.runtime.blocking_limit(limit)
  end)
end)

describe("a state that a task has alone", function()
  it("is another one for each, and serves others afterwards", function()
    local core = require "lagoon.core"
    local gate, started, seen, n = chan(), chan(), {}, 2 * lagoon.runtime.procs() + 3
    local tasks = {}
    for i = 1, n do
      tasks[i] = core.parallel_alone(plain(function()
        started:send(true)
        gate:recv()
        return tostring(package.loaded)
      end))
    end
    for _ = 1, n do
      started:recv()
    end
    gate:close()
    for i = 1, n do
      local state = tasks[i]:wait()
      assert.is_nil(seen[state])
      seen[state] = true
    end
    assert.is_true(seen[helper.parallel(function()
      return tostring(package.loaded)
    end):wait()])
  end)

  it("is flushed by the guard around each test, as are all others", function()
    local core = require "lagoon.core"
    local held, all_begun, tasks = chan(), lagoon.waitgroup(), {}
    all_begun:add(3)
    for i = 1, 3 do
      tasks[i] = core.parallel_alone(plain(function()
        all_begun:done()
        all_begun:wait()
        -- The state keeps the loop, and with it what it was compiled for: a function that holds
        -- the channel, for which the guard looks.
        local repeated = package.loaded.repeated or loadstring [[
          local f = ...
          for _ = 1, 1000 do
            f()
          end
        ]]
        package.loaded.repeated = repeated
        repeated(function()
          return held
        end)
      end))
    end
    for i = 1, 3 do
      tasks[i]:wait()
    end
  end)
end)
